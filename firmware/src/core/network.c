/* Inference: populations in order, once per time step. */
#include <string.h>

#include "fixed.h"
#include "kernels.h"
#include "network.h"
#include "state.h"
#include "step.h"
#include "stream.h"

void dassdp_init(const dassdp_model_t *model, void *state)
{
    memset(state, 0, model->state_bytes);
    dassdp_restore_weights(model, state, 0);
    dassdp_rest_learning(model, state);
}

void dassdp_rest_learning(const dassdp_model_t *model, void *state)
{
    memset(dassdp_at(state, model->persist_begin), 0, model->persist_end - model->persist_begin);
    if (model->learning_off >= 0) {
        dassdp_learning(model, state)->rng = model->seed;
        dassdp_learning(model, state)->miss_share_q8 = model->start_share_q8;
    }
    if (dassdp_classes(model) != 0) {
        model->classes->keep(model, state, DASSDP_KEEP_FACTORY);
    }
}

int8_t *dassdp_sample(const dassdp_model_t *model, void *state)
{
    return model->x_off >= 0 ? dassdp_at(state, (uint32_t)model->x_off) : 0;
}

void dassdp_rest_population(const dassdp_model_t *model, void *state,
                            const dassdp_population_t *population)
{
    uint32_t n = population->n_neurons;
    memset(dassdp_at(state, (uint32_t)population->v_off), 0,
           n * (population->v_is_wide != 0u ? 4u : 2u));
    memset(dassdp_at(state, (uint32_t)population->spk_off), 0, DASSDP_WORDS(n) * 4u);
    if (population->sum_off >= 0) {
        memset(dassdp_at(state, (uint32_t)population->sum_off), 0, n * 4u);
    }
    if (population->count_off >= 0) {
        dassdp_record_t record =
            dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
        dassdp_record_clear(&record);
    }
    if (population->dynamics != 0) {
        population->dynamics->rest(population, state);
    }
}

uint32_t dassdp_n_x_saturated(const dassdp_model_t *model, const void *state)
{
    return ((const dassdp_progress_t *)dassdp_at_const(state, model->progress_off))->n_x_saturated;
}

int dassdp_begin(const dassdp_model_t *model, void *state, const int8_t *x)
{
    dassdp_progress_t *progress = dassdp_progress(model, state);
    if (progress->phase == DASSDP_LEARNING) {
        return DASSDP_E_ORDER;
    }
    if (dassdp_streaming(model) != 0) {
        dassdp_stream(model, state)->hop = 0; /* it ran on these membranes */
    }
    progress->t_step = 0;
    progress->phase = DASSDP_RUNNING;
    progress->x_crc = progress->noted_crc;
    progress->noted_crc = 0;
    int8_t *own = dassdp_sample(model, state);
    x = x != 0 ? x : own;
    if (own != 0 && own != x) {
        memcpy(own, x, model->x_bytes);
        if (dassdp_sensor(model) != 0) {
            dassdp_restart_sample(model, state);
        }
    }
    if (model->clear_tails != 0) {
        model->clear_tails(model, own);
    }
    if (model->count_ends != 0) {
        progress->n_x_saturated += model->count_ends(model, x);
    }
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        dassdp_rest_population(model, state, population);
        if (population->currents != 0) {
            population->currents(state, x, 0);
        }
    }
    return DASSDP_OK;
}

const uint32_t *dassdp_spikes_into(const dassdp_model_t *model, const void *state,
                                   const dassdp_projection_t *projection, uint32_t t_step)
{
    return dassdp_spikes_of(model, state, projection, t_step);
}

/* acc[i] = (adds ? acc[i] : 0) + sign addend[i] */
static void add_sums(const dassdp_population_t *population, void *acc, uint32_t adds, int32_t sign,
                     const int16_t *addend, const int32_t *wide_addend)
{
    uint32_t n_columns = DASSDP_COLUMNS((uint32_t)population->n_neurons);
    int32_t kept = -(int32_t)adds;
    for (uint32_t i = 0; i < n_columns; i++) {
        int32_t value = sign * (addend != 0 ? addend[i] : wide_addend[i]);
        if (population->acc_is_wide != 0u) {
            ((int32_t *)acc)[i] = (((int32_t *)acc)[i] & kept) + value;
        } else {
            ((int16_t *)acc)[i] = dassdp_narrow_s16((((int16_t *)acc)[i] & kept) + value);
        }
    }
}

/* Bits of the silent neurons, tail bits zero. */
static const uint32_t *complement(const uint32_t *spk_bits, uint32_t n, uint32_t *words)
{
    uint32_t n_words = DASSDP_WORDS(n);
    for (uint32_t w = 0; w < n_words; w++) {
        words[w] = ~spk_bits[w];
    }
    if ((n & 31u) != 0u) {
        words[n_words - 1u] &= (1u << (n & 31u)) - 1u;
    }
    return words;
}

uint32_t dassdp_add_parts(const dassdp_model_t *model, void *state,
                          const dassdp_projection_t *projection, dassdp_cursor_t *cursor,
                          const void *image, uint32_t adds)
{
    const dassdp_population_t *population = &model->populations[projection->post];
    dassdp_row_t *rows = dassdp_at(state, model->rows_off);
    void *acc = dassdp_at(state, model->sums_off);
    void *part = dassdp_at(state, model->part_off);
    const uint32_t part_is_wide = projection->weight_bits == 16u; /* as its kernel sums */
    int32_t sign = 1;
    if (projection->totals != 0) {
        cursor->spk_bits =
            complement(cursor->spk_bits, projection->n_pre, dassdp_at(state, model->words_off));
        add_sums(population, acc, adds, 1, 0, projection->totals);
        adds = 1;
        sign = -1;
    }
    for (uint32_t n_rows; (n_rows = dassdp_k_rows(cursor, rows)) != 0u; adds = 1) {
        projection->accumulate(projection, part, rows, n_rows, 0, image);
        add_sums(population, acc, adds, sign, part_is_wide != 0u ? 0 : part, part);
    }
    return adds;
}

const uint32_t *dassdp_positive(const dassdp_model_t *model, void *state,
                                const dassdp_population_t *population)
{
    uint32_t *words = dassdp_at(state, model->words_off);
    memset(words, 0, DASSDP_WORDS((uint32_t)population->n_neurons) * 4u);
    for (uint32_t i = 0; i < population->n_neurons; i++) {
        words[i >> 5] |= (uint32_t)(dassdp_membrane(population, state, i) > 0) << (i & 31u);
    }
    return words;
}

int dassdp_step(const dassdp_model_t *model, void *state)
{
    dassdp_progress_t *progress = dassdp_progress(model, state);
    if (progress->phase == DASSDP_LEARNING) {
        return DASSDP_E_ORDER;
    }
    if (progress->t_step >= model->n_steps) {
        return DASSDP_OK;
    }
    if (model->coding != 0) {
        model->coding->encode_all(model, state, progress->t_step);
    }
    const dassdp_population_t *population = model->populations;
    const dassdp_population_t *end = population + model->n_populations;
    for (; population != end; population++) {
        population->advance(state, progress->t_step);
    }
    progress->t_step++;
    return DASSDP_OK;
}

/* As published, a readout neuron's flag is the sign of its summed membrane: a count of 0 or 1. */
static void publish_flags(const dassdp_model_t *model, void *state,
                          const dassdp_population_t *population, const int32_t *logits)
{
    dassdp_record_t record =
        dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
    memset(record.count, 0, record.n_words * record.bits * 4u);
    for (uint32_t i = 0; i < record.n; i++) {
        record.count[(i >> 5) * record.bits] |= (uint32_t)(logits[i] > 0) << (i & 31u);
    }
}

const int32_t *dassdp_logits(const dassdp_model_t *model, const void *state)
{
    return dassdp_at_const(state, (uint32_t)model->populations[model->readout].sum_off);
}

uint32_t dassdp_class(const dassdp_model_t *model, const void *state)
{
    const dassdp_classes_t *classes = dassdp_classes(model);
    if (classes != 0 && classes->classify != 0) {
        return *(const uint32_t *)dassdp_at_const(state, (uint32_t)classes->found_off);
    }
    const int32_t *logits = dassdp_logits(model, state);
    uint32_t best = 0;
    for (uint32_t c = 1; c < model->n_classes; c++) {
        if (logits[c] > logits[best]) {
            best = c;
        }
    }
    return best;
}

int dassdp_end(const dassdp_model_t *model, void *state, dassdp_result_t *result)
{
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    const dassdp_population_t *readout = &model->populations[model->readout];
    const dassdp_classes_t *classes = dassdp_classes(model);
    if (classes != 0 && classes->mask != 0) {
        classes->mask(model, state);
    }
    if (readout->records_membrane != 0u && readout->records == DASSDP_RECORD_LAST) {
        publish_flags(model, state, readout,
                      dassdp_at_const(state, (uint32_t)readout->sum_off));
    }
    if (classes != 0 && classes->classify != 0) {
        classes->classify(model, state);
    }
    dassdp_progress(model, state)->phase = DASSDP_COMPLETE;
    memset(result, 0, sizeof *result);
    result->class_idx = (uint16_t)dassdp_class(model, state);
    return DASSDP_OK;
}

int dassdp_infer(const dassdp_model_t *model, void *state, const int8_t *x,
                 dassdp_result_t *result)
{
    int status = dassdp_begin(model, state, x);
    for (uint32_t t_step = 0; status == DASSDP_OK && t_step < model->n_steps; t_step++) {
        status = dassdp_step(model, state);
    }
    return status == DASSDP_OK ? dassdp_end(model, state, result) : status;
}
