/* Learning from the sample that just ended: error rules, those of every sample, those of a batch. */
#include "learn.h"

#include "dassdp_quantities.h"
#include "fixed.h"
#include "network.h"
#include "state.h"

enum { LEARNING = DASSDP_LESSON_LEARN, WARM_UP = DASSDP_LESSON_WARM_UP };

static int check_call(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8)
{
    const dassdp_progress_t *progress = dassdp_at_const(state, model->progress_off);
    if (model->learning_off < 0) {
        return DASSDP_E_FROZEN;
    }
    if (progress->is_complete == 0u) {
        return DASSDP_E_ORDER;
    }
    if (label != DASSDP_NO_LABEL && (label < 0 || label >= model->n_classes)) {
        return DASSDP_E_LABEL;
    }
    if (loss_q8 != DASSDP_OWN_LOSS && (loss_q8 < 0 || loss_q8 > DASSDP_LOSS_MAX_Q8)) {
        return DASSDP_E_VALUE;
    }
    return DASSDP_OK;
}

/* Error and loss for the label; returns whether error rules may write. */
static int evaluate(const dassdp_model_t *model, void *state, int32_t label,
                    dassdp_result_t *result)
{
    if (label == DASSDP_NO_LABEL) {
        return 0;
    }
    const dassdp_population_t *readout = &model->populations[model->readout];
    uint32_t loss_q8 = dassdp_softmax_error(model, state, (uint32_t)label);
    result->loss_q8 = (uint16_t)(loss_q8 < DASSDP_LOSS_MAX_Q8 ? loss_q8 : DASSDP_LOSS_MAX_Q8);
    if (readout->error_off < 0) {
        return 0;
    }
    const int16_t *err_q8 = dassdp_at_const(state, (uint32_t)readout->error_off);
    result->is_skipped = err_q8[label] < (int32_t)model->skip_below_q8;
    return result->is_skipped == 0u;
}

/* Returns whether the model has rules of the stage. */
static int apply(const dassdp_model_t *model, void *state, uint32_t stage)
{
    int has_run = 0;
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->rule != 0 && projection->rule->stage == stage) {
            projection->rule->learn(model, state, projection);
            has_run = 1;
        }
    }
    return has_run;
}

int dassdp_learn_label(const dassdp_model_t *model, void *state, int32_t label,
                       dassdp_result_t *result)
{
    if (!evaluate(model, state, label, result)) {
        return 0;
    }
    dassdp_feed_back(model, state);
    (void)apply(model, state, DASSDP_STAGE_ERROR);
    return 1;
}

/* What a labelled sample, recorded in `slot`, is good for, learned or held back. */
static void follow_up(const dassdp_model_t *model, void *state, uint32_t slot, uint32_t label,
                      dassdp_result_t *result)
{
    if (model->error_step != 0) {
        model->error_step->count(model, state, label);
    }
    if (model->guard != 0 && model->guard->judge != 0) {
        model->guard->judge(model, state, dassdp_class(model, state), label, result);
    }
    if (model->replay != 0) {
        model->replay->after(model, state, slot, label, result);
    }
}

/* Put the sample into the batch; returns whether the batch is full. */
static int fill_batch(const dassdp_model_t *model, void *state, uint8_t kind, int32_t loss_q8)
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

/* A batch holds samples of one kind: another kind discards what it holds. The sample that just
 * ended was recorded in the next slot and stays there as the first of the new batch. */
static void begin_kind(const dassdp_model_t *model, void *state, uint8_t kind)
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

/* All rules learn from the sample that just ended; returns the slot that it was recorded in. */
static uint32_t write(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8,
                      dassdp_result_t *result)
{
    dassdp_learning_t *learning = dassdp_learning(model, state);
    begin_kind(model, state, LEARNING);
    uint32_t slot = learning->batch_idx;
    int is_updated = dassdp_learn_label(model, state, label, result);
    is_updated |= apply(model, state, DASSDP_STAGE_SAMPLE);
    learning->n_labelled += (uint32_t)(label != DASSDP_NO_LABEL);
    learning->n_skipped += result->is_skipped;
    if (model->loss_off >= 0 &&
        fill_batch(model, state, LEARNING, loss_q8 < 0 ? result->loss_q8 : loss_q8)) {
        is_updated |= apply(model, state, DASSDP_STAGE_BATCH);
    }
    result->is_updated = (uint16_t)is_updated;
    return slot;
}

/* The lesson is over: its sample is used up. */
static void end_lesson(const dassdp_model_t *model, void *state, uint8_t kind, int32_t label,
                       int32_t loss_q8, const dassdp_result_t *result)
{
    dassdp_progress_t *progress = dassdp_at(state, model->progress_off);
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
    progress->is_complete = 0;
}

int dassdp_learn(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8,
                 dassdp_result_t *result)
{
    int status = check_call(model, state, label, loss_q8);
    if (status != DASSDP_OK) {
        return status;
    }
    *result = (dassdp_result_t){.class_idx = (uint16_t)dassdp_class(model, state)};
    uint32_t slot = dassdp_learning(model, state)->batch_idx;
    if (model->cusum == 0 || model->cusum->holds(model, state, label, result) == 0u) {
        slot = write(model, state, label, loss_q8, result);
    }
    if (label != DASSDP_NO_LABEL) {
        follow_up(model, state, slot, (uint32_t)label, result);
    }
    end_lesson(model, state, LEARNING, label, loss_q8, result);
    return DASSDP_OK;
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
    int status = check_call(model, state, label, loss_q8);
    if (status != DASSDP_OK) {
        return status;
    }
    if (label == DASSDP_NO_LABEL && loss_q8 < 0) {
        return DASSDP_E_LOSS;
    }
    *result = (dassdp_result_t){.class_idx = (uint16_t)dassdp_class(model, state)};
    begin_kind(model, state, WARM_UP);
    evaluate(model, state, label, result);
    result->is_skipped = 0;
    if (model->loss_off >= 0 &&
        fill_batch(model, state, WARM_UP, loss_q8 < 0 ? result->loss_q8 : loss_q8)) {
        record_batch(model, state);
    }
    end_lesson(model, state, WARM_UP, label, loss_q8, result);
    return DASSDP_OK;
}

int dassdp_idle(const dassdp_model_t *model, void *state, uint32_t n_steps)
{
    uint32_t n_done = 0;
    if (model->replay == 0) {
        return DASSDP_E_ABSENT;
    }
    while (n_done < n_steps && model->replay->idle(model, state) != 0) {
        dassdp_chain_event(model, state, DASSDP_LESSON_IDLE, 0);
        n_done++;
    }
    dassdp_note_learning(model, state, (int)n_done);
    ((dassdp_progress_t *)dassdp_at(state, model->progress_off))->is_complete = 0;
    return (int)n_done;
}

int dassdp_fit_gate(const dassdp_model_t *model, void *state)
{
    if (model->loss_off >= 0) {
        dassdp_learning_t *learning = dassdp_learning(model, state);
        if (learning->batch_idx != 0u && learning->batch_kind == WARM_UP) {
            record_batch(model, state);
            learning->batch_idx = 0;
        }
    }
    int fits = 0;
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->rule != 0 && projection->rule->fit != 0) {
            projection->rule->fit(model, state, projection);
            fits = 1;
        }
    }
    if (fits != 0) {
        dassdp_chain_event(model, state, DASSDP_LESSON_FIT_GATE, 0);
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
           learning->batch_idx < model->n_batch && learning->batch_kind <= WARM_UP &&
           rules_fit(model, state) && guard_fits(model, state) &&
           (model->cusum == 0 || model->cusum->check(model, state) == DASSDP_OK) &&
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
    ((dassdp_progress_t *)dassdp_at(state, model->progress_off))->is_complete = 0;
    if (sensor != 0 && sensor->forget_windows != 0) {
        sensor->forget_windows(model, state);
    }
}

int dassdp_check_learning(const dassdp_model_t *model, void *state)
{
    if (model->learning_off < 0 && dassdp_sensor(model) == 0) {
        return DASSDP_E_FROZEN;
    }
    int status = dassdp_learning_fits(model, state);
    if (status != DASSDP_OK) {
        dassdp_rest_learning(model, state);
    }
    return status;
}
