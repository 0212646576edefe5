/* Inference: populations in order, once per time step. */
#include <string.h>

#include "fixed.h"
#include "kernels.h"
#include "state.h"

void dassdp_init(const dassdp_model_t *model, void *state)
{
    memset(state, 0, model->state_bytes);
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->image_off >= 0) {
            memcpy(dassdp_at(state, (uint32_t)projection->image_off), projection->factory,
                   projection->n_pre * projection->row_bytes);
        }
    }
    if (model->learning_off >= 0) {
        dassdp_learning(model, state)->rng = model->seed;
    }
}

/* base = round((bias + sum of x w) / 2^analogue_rshift): once a sample, or every step for frames. */
static void analogue_current(const dassdp_model_t *model, void *state,
                             const dassdp_population_t *population, const int8_t *x,
                             uint32_t t_step)
{
    int32_t *acc = dassdp_at(state, model->scratch_off);
    uint32_t n = population->n_neurons;
    memset(acc, 0, DASSDP_COLUMNS(n) * sizeof *acc);
    memcpy(acc, population->analogue_bias, n * sizeof *acc);
    for (uint32_t p = population->projection_begin; p < population->projection_end; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->is_analogue != 0u) {
            const dassdp_input_t *input = &model->inputs[projection->pre];
            uint32_t frame = input->n_frames > 1u ? t_step : 0u;
            dassdp_k_analogue_s8(projection, acc, x + input->x_off + frame * input->size);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        int32_t current = dassdp_round_s32(acc[i], population->analogue_rshift);
        if (population->v_is_wide != 0u) {
            ((int32_t *)dassdp_at(state, (uint32_t)population->base_off))[i] = current;
        } else {
            ((int16_t *)dassdp_at(state, (uint32_t)population->base_off))[i] =
                dassdp_narrow_s16(current);
        }
    }
}

static int has_frames(const dassdp_model_t *model, const dassdp_population_t *population)
{
    for (uint32_t p = population->projection_begin; p < population->projection_end; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->is_analogue != 0u && model->inputs[projection->pre].n_frames > 1u) {
            return 1;
        }
    }
    return 0;
}

static void clear_record(const dassdp_model_t *model, void *state,
                         const dassdp_population_t *population)
{
    if (population->count_off >= 0) {
        uint32_t slot = dassdp_learning(model, state)->batch_idx;
        dassdp_record_t record = dassdp_record(model, state, population, slot);
        uint32_t n_bytes = dassdp_field_bytes(record.n, record.bits);
        memset(record.count, 0, n_bytes);
        if (record.latency != 0) {
            memset(record.latency, 0xFF, n_bytes);
        }
    }
}

void dassdp_begin(const dassdp_model_t *model, void *state, const int8_t *x)
{
    dassdp_progress_t *progress = dassdp_at(state, model->progress_off);
    progress->t_step = 0;
    progress->is_complete = 0;
    if (model->x_off >= 0) {
        memcpy(dassdp_at(state, (uint32_t)model->x_off), x, model->x_bytes);
    }
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        uint32_t n = population->n_neurons;
        memset(dassdp_at(state, (uint32_t)population->v_off), 0,
               n * (population->v_is_wide != 0u ? 4u : 2u));
        memset(dassdp_at(state, (uint32_t)population->spk_off), 0, (n + 31u) / 32u * 4u);
        if (population->sum_off >= 0) {
            memset(dassdp_at(state, (uint32_t)population->sum_off), 0, n * 4u);
        }
        clear_record(model, state, population);
        if (population->base_off >= 0 && !has_frames(model, population)) {
            analogue_current(model, state, population, x, 0);
        }
    }
}

/* The active list in scratch: whose spikes it holds, so that a chain extracts each list once. */
typedef struct {
    uint16_t *active;
    uint32_t n_active;
    uint32_t population_idx;
} active_list_t;

enum { NOBODY = 0xFFFF };

static void list_active(const dassdp_model_t *model, const void *state, uint32_t population_idx,
                        active_list_t *list)
{
    if (list->population_idx != population_idx) {
        const dassdp_population_t *population = &model->populations[population_idx];
        list->n_active =
            dassdp_k_active(dassdp_at_const(state, (uint32_t)population->spk_off),
                            population->n_neurons, list->active);
        list->population_idx = population_idx;
    }
}

static const void *spike_sums(const dassdp_model_t *model, void *state,
                              const dassdp_population_t *population, active_list_t *list)
{
    void *acc = dassdp_at(state, model->scratch_off);
    memset(acc, 0,
           DASSDP_COLUMNS(population->n_neurons) * (population->acc_is_wide != 0u ? 4u : 2u));
    for (uint32_t p = population->projection_begin; p < population->projection_end; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->is_analogue == 0u) {
            list_active(model, state, projection->pre, list);
            if (list->n_active != 0u) {
                projection->accumulate(projection, acc, dassdp_image(projection, state),
                                       list->active, list->n_active);
            }
        }
    }
    return acc;
}

/* One more event of a neuron; the first one, or every one where the last counts, sets its latency.
 * A count never carries: it stays below 2^bits. */
static inline void record_event(const dassdp_record_t *record, uint32_t neuron_idx,
                                uint32_t t_step, int keeps_last)
{
    uint32_t bits = record->bits;
    uint32_t bit = neuron_idx * bits;
    uint32_t shift = bit & 7u;
    if (shift + bits > 8u) { /* the field straddles two bytes */
        uint32_t count = dassdp_field_get(record->count, neuron_idx, bits);
        dassdp_field_put(record->count, neuron_idx, bits, count + 1u);
        if (record->latency != 0 && (count == 0u || keeps_last)) {
            dassdp_field_put(record->latency, neuron_idx, bits, t_step);
        }
        return;
    }
    uint8_t *count = record->count + (bit >> 3);
    uint32_t mask = ((1u << bits) - 1u) << shift;
    int is_first = (*count & mask) == 0u;
    *count = (uint8_t)(*count + (1u << shift));
    if (record->latency != 0 && (is_first || keeps_last)) {
        uint8_t *latency = record->latency + (bit >> 3);
        *latency = (uint8_t)((*latency & ~mask) | (t_step << shift));
    }
}

static int32_t membrane(const dassdp_population_t *population, const void *state, uint32_t idx)
{
    const void *v = dassdp_at_const(state, (uint32_t)population->v_off);
    return population->v_is_wide != 0u ? ((const int32_t *)v)[idx] : ((const int16_t *)v)[idx];
}

static void add_logits(const dassdp_model_t *model, void *state,
                       const dassdp_population_t *population, const active_list_t *list)
{
    int32_t *sum = dassdp_at(state, (uint32_t)population->sum_off);
    if (model->readout_kind == DASSDP_READOUT_MEMBRANE_SUM) {
        for (uint32_t i = 0; i < population->n_neurons; i++) {
            sum[i] += membrane(population, state, i);
        }
    } else {
        for (uint32_t a = 0; a < list->n_active; a++) {
            sum[list->active[a]] += 1;
        }
    }
}

static void record_step(const dassdp_model_t *model, void *state,
                        const dassdp_population_t *population, const active_list_t *list,
                        uint32_t t_step)
{
    dassdp_record_t record =
        dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
    int keeps_last = population->records == DASSDP_RECORD_LAST;
    if (population->records_membrane != 0u) {
        for (uint32_t i = 0; i < population->n_neurons; i++) {
            if (membrane(population, state, i) > 0) {
                record_event(&record, i, t_step, keeps_last);
            }
        }
    } else {
        for (uint32_t a = 0; a < list->n_active; a++) {
            record_event(&record, list->active[a], t_step, keeps_last);
        }
    }
}

static void step_population(const dassdp_model_t *model, void *state, uint32_t population_idx,
                            uint32_t t_step, active_list_t *list)
{
    const dassdp_population_t *population = &model->populations[population_idx];
    const void *base = population->base;
    if (population->base_off >= 0) {
        base = dassdp_at(state, (uint32_t)population->base_off);
        if (has_frames(model, population)) {
            analogue_current(model, state, population,
                             dassdp_at(state, (uint32_t)model->x_off), t_step);
        }
    }
    const void *acc = spike_sums(model, state, population, list);
    population->update(population, dassdp_at(state, (uint32_t)population->v_off),
                       dassdp_at(state, (uint32_t)population->spk_off), acc, base);
    list->population_idx = list->population_idx == population_idx ? NOBODY : list->population_idx;
    if (population->count_off >= 0 || population->sum_off >= 0) {
        list_active(model, state, population_idx, list);
        if (population->sum_off >= 0) {
            add_logits(model, state, population, list);
        }
        if (population->count_off >= 0) {
            record_step(model, state, population, list, t_step);
        }
    }
}

void dassdp_step(const dassdp_model_t *model, void *state)
{
    dassdp_progress_t *progress = dassdp_at(state, model->progress_off);
    active_list_t list = {
        .active = dassdp_at(state, model->active_off), .n_active = 0, .population_idx = NOBODY};
    if (progress->t_step >= model->n_steps) {
        return;
    }
    for (uint32_t i = 0; i < model->n_populations; i++) {
        step_population(model, state, i, progress->t_step, &list);
    }
    progress->t_step++;
}

/* As published, a readout neuron's flag is the sign of its summed membrane. */
static void publish_flags(const dassdp_model_t *model, void *state,
                          const dassdp_population_t *population, const int32_t *logits)
{
    dassdp_record_t record =
        dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
    for (uint32_t i = 0; i < record.n; i++) {
        dassdp_field_put(record.count, i, record.bits, logits[i] > 0 ? 1u : 0u);
    }
}

void dassdp_end(const dassdp_model_t *model, void *state, dassdp_result_t *result)
{
    const dassdp_population_t *readout = &model->populations[model->readout];
    const int32_t *logits = dassdp_at_const(state, (uint32_t)readout->sum_off);
    uint32_t best = 0;
    for (uint32_t c = 1; c < model->n_classes; c++) {
        if (logits[c] > logits[best]) {
            best = c;
        }
    }
    if (readout->records_membrane != 0u && readout->records == DASSDP_RECORD_LAST) {
        publish_flags(model, state, readout, logits);
    }
    ((dassdp_progress_t *)dassdp_at(state, model->progress_off))->is_complete = 1;
    memset(result, 0, sizeof *result);
    result->class_idx = (uint16_t)best;
}

void dassdp_infer(const dassdp_model_t *model, void *state, const int8_t *x,
                  dassdp_result_t *result)
{
    dassdp_begin(model, state, x);
    for (uint32_t t_step = 0; t_step < model->n_steps; t_step++) {
        dassdp_step(model, state);
    }
    dassdp_end(model, state, result);
}
