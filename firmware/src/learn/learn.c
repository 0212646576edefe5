/* What learning keeps beside lessons: its error, batches, the warm-up, and checks of what comes from
 * outside. */
#include "learn.h"

#include "dassdp_quantities.h"
#include "fixed.h"
#include "network.h"
#include "state.h"

int dassdp_check_call(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8)
{
    if (model->learning_off < 0) {
        return DASSDP_E_FROZEN;
    }
    if (dassdp_progress(model, state)->phase != DASSDP_COMPLETE) {
        return DASSDP_E_ORDER;
    }
    const dassdp_classes_t *classes = dassdp_classes(model);
    if (label != DASSDP_NO_LABEL &&
        (label < 0 || label >= model->n_classes ||
         (classes != 0 && classes->is_known != 0 &&
          !classes->is_known(model, state, (uint32_t)label)))) {
        return DASSDP_E_LABEL;
    }
    if (loss_q8 != DASSDP_OWN_LOSS && (loss_q8 < 0 || loss_q8 > DASSDP_LOSS_MAX_Q8)) {
        return DASSDP_E_VALUE;
    }
    return DASSDP_OK;
}

int dassdp_evaluate(const dassdp_model_t *model, void *state, int32_t label,
                    dassdp_result_t *result)
{
    if (label == DASSDP_NO_LABEL) {
        return 0;
    }
    if (dassdp_values(model) != 0) {
        return model->values->evaluate(model, state, result);
    }
    const dassdp_population_t *readout = &model->populations[model->readout];
    uint32_t loss_q8 = dassdp_softmax_error(model, state, (uint32_t)label);
    result->loss_q8 = (uint16_t)(loss_q8 < DASSDP_LOSS_MAX_Q8 ? loss_q8 : DASSDP_LOSS_MAX_Q8);
    if (readout->error_off < 0) {
        return 0;
    }
    const int16_t *err_q8 = dassdp_at_const(state, (uint32_t)readout->error_off);
    result->is_skipped =
        err_q8[label] < (int32_t)model->skip_below_q8 || dassdp_is_by_mean(model, label);
    return result->is_skipped == 0u;
}

int dassdp_fill_batch(const dassdp_model_t *model, void *state, uint8_t kind, int32_t loss_q8)
{
    dassdp_learning_t *learning = dassdp_learning(model, state);
    ((uint16_t *)dassdp_at(state, (uint32_t)model->loss_off))[learning->batch_idx] =
        (uint16_t)loss_q8;
    learning->batch_kind = kind;
    if (learning->batch_idx + 1u < model->n_batch) {
        learning->batch_idx++;
        return 0;
    }
    learning->batch_idx = 0;
    return 1;
}

/* The sample that just ended was recorded in the next slot and stays there as the first of the new
 * batch. */
void dassdp_begin_kind(const dassdp_model_t *model, void *state, uint8_t kind)
{
    dassdp_learning_t *learning = dassdp_learning(model, state);
    if (learning->batch_idx == 0u || learning->batch_kind == kind) {
        return;
    }
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        if (population->count_off >= 0) {
            dassdp_record_t from =
                dassdp_record(model, state, population, learning->batch_idx);
            dassdp_record_t to = dassdp_record(model, state, population, 0);
            for (uint32_t b = 0; b < from.n_words * from.bits; b++) {
                to.count[b] = from.count[b];
                if (from.latency != 0) {
                    to.latency[b] = from.latency[b];
                }
            }
        }
    }
    learning->batch_idx = 0;
}

void dassdp_end_lesson(const dassdp_model_t *model, void *state, uint8_t kind, int32_t label,
                       int32_t loss_q8, const dassdp_result_t *result)
{
    dassdp_progress_t *progress = dassdp_progress(model, state);
    const dassdp_lesson_t lesson = {
        .kind = kind,
        .flags = (uint8_t)((result->is_skipped != 0u ? DASSDP_LESSON_SKIPPED : 0) |
                           (result->is_updated != 0u ? DASSDP_LESSON_UPDATED : 0) |
                           (result->is_fallen_back != 0u ? DASSDP_LESSON_FALLEN_BACK : 0) |
                           (result->is_held != 0u ? DASSDP_LESSON_HELD : 0)),
        .n_replayed = result->n_replayed,
        .label = label,
        .loss_q8 = loss_q8,
        .x_crc = progress->x_crc,
        .class_idx = result->class_idx,
        .own_loss_q8 = result->loss_q8,
    };
    dassdp_chain(model, state, &lesson);
    dassdp_note_learning(model, state, result->is_updated | result->n_replayed);
    progress->phase = DASSDP_RUNNING;
}

/* The batch of the warm-up into all statistics: batch_idx samples of it, or all where it is full. */
static void record_batch(const dassdp_model_t *model, void *state)
{
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->rule != 0 && projection->rule->record != 0) {
            projection->rule->record(model, state, projection);
        }
    }
}

int dassdp_warm_up(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8,
                   dassdp_result_t *result)
{
    int status = dassdp_check_call(model, state, label, loss_q8);
    if (status != DASSDP_OK) {
        return status;
    }
    if (label == DASSDP_NO_LABEL && loss_q8 < 0) {
        return DASSDP_E_LOSS;
    }
    *result = (dassdp_result_t){.class_idx = (uint16_t)dassdp_class(model, state)};
    dassdp_begin_kind(model, state, DASSDP_LESSON_WARM_UP);
    (void)dassdp_evaluate(model, state, label, result);
    result->is_skipped = 0;
    if (model->loss_off >= 0 &&
        dassdp_fill_batch(model, state, DASSDP_LESSON_WARM_UP, loss_q8 < 0 ? result->loss_q8 : loss_q8)) {
        record_batch(model, state);
    }
    dassdp_end_lesson(model, state, DASSDP_LESSON_WARM_UP, label, loss_q8, result);
    return DASSDP_OK;
}

int dassdp_fit_gate(const dassdp_model_t *model, void *state)
{
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    if (model->loss_off >= 0) {
        dassdp_learning_t *learning = dassdp_learning(model, state);
        if (learning->batch_idx != 0u && learning->batch_kind == DASSDP_LESSON_WARM_UP) {
            record_batch(model, state);
            learning->batch_idx = 0;
        }
    }
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->rule != 0 && projection->rule->fit != 0) {
            projection->rule->fit(model, state, projection);
        }
    }
    return DASSDP_OK;
}

static int guard_fits(const dassdp_model_t *model, const void *state)
{
    if (model->guard == 0 || model->guard->state_off < 0) {
        return 1;
    }
    const dassdp_guard_t *guard = dassdp_at_const(state, (uint32_t)model->guard->state_off);
    uint32_t bits = guard->hits_bits | guard->factory_hits_bits;
    return guard->n_judged <= model->guard->window && bits >> (model->guard->window - 1u) <= 1u;
}

static int rules_fit(const dassdp_model_t *model, const void *state)
{
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->rule != 0 && projection->rule->check != 0 &&
            projection->rule->check(model, state, projection) != DASSDP_OK) {
            return 0;
        }
    }
    return 1;
}

/* What rules and their memory carry. */
static int lessons_fit(const dassdp_model_t *model, const void *state)
{
    const dassdp_learning_t *learning = dassdp_at_const(state, (uint32_t)model->learning_off);
    return learning->rng != 0u && learning->miss_share_q8 <= model->most_share_q8 &&
           learning->batch_idx < model->n_batch && learning->batch_kind <= DASSDP_LESSON_WARM_UP &&
           rules_fit(model, state) && guard_fits(model, state) &&
           (model->cusum == 0 || model->cusum->check(model, state) == DASSDP_OK) &&
           (dassdp_classes(model) == 0 || model->classes->check(model, state) == DASSDP_OK) &&
           (model->replay == 0 || model->replay->check(model, state) == DASSDP_OK);
}

int dassdp_learning_fits(const dassdp_model_t *model, const void *state)
{
    const dassdp_sensor_t *sensor = dassdp_sensor(model);
    int fits = (sensor == 0 || sensor->check_profile(model, state) == DASSDP_OK) &&
               (model->learning_off < 0 || lessons_fit(model, state));
    return fits ? DASSDP_OK : DASSDP_E_VALUE;
}

void dassdp_begin_anew(const dassdp_model_t *model, void *state)
{
    const dassdp_sensor_t *sensor = dassdp_sensor(model);
    dassdp_progress(model, state)->phase = DASSDP_RUNNING;
    if (sensor != 0 && sensor->forget_windows != 0) {
        sensor->forget_windows(model, state);
    }
}

int dassdp_check_learning(const dassdp_model_t *model, void *state)
{
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    if (model->learning_off < 0 && dassdp_sensor(model) == 0) {
        return DASSDP_E_FROZEN;
    }
    int status = dassdp_learning_fits(model, state);
    if (status != DASSDP_OK) {
        dassdp_rest_learning(model, state);
    }
    return status;
}
