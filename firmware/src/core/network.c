/* Inference: populations in order, once per time step. */
#include <string.h>

#include "fixed.h"
#include "kernels.h"
#include "network.h"
#include "state.h"
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

/* base = round((bias + sum of x w) / 2^analogue_rshift): once a sample, or every step for frames. */
static void analogue_current(const dassdp_model_t *model, void *state,
                             const dassdp_population_t *population, const int8_t *x,
                             uint32_t t_step)
{
    void *acc = dassdp_at(state, model->sums_off);
    uint32_t adds = 0;
    for (uint32_t p = population->projection_begin; p < population->projection_end; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->is_analogue != 0u) {
            const dassdp_input_t *input = &model->inputs[projection->pre];
            uint32_t frame = input->n_frames > 1u ? t_step : 0u;
            projection->analogue(projection, acc, x + input->x_off + frame * input->frame_bytes,
                                 adds);
            adds = 1;
        }
    }
    void *base = dassdp_at(state, (uint32_t)population->base_off);
    const int32_t *bias = population->analogue_bias;
    const uint32_t rshift = population->analogue_rshift;
    for (uint32_t i = 0; i < population->n_neurons; i++) {
        int32_t sum = population->analogue_is_wide != 0u ? ((const int32_t *)acc)[i]
                                                         : ((const int16_t *)acc)[i];
        int32_t current = dassdp_round_s32(bias[i] + sum, rshift);
        if (population->v_is_wide != 0u) {
            ((int32_t *)base)[i] = current;
        } else {
            ((int16_t *)base)[i] = dassdp_narrow_s16(current);
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
        if (population->base_off >= 0 && !has_frames(model, population)) {
            analogue_current(model, state, population, x, 0);
        }
    }
    return DASSDP_OK;
}

const uint32_t *dassdp_spikes_into(const dassdp_model_t *model, const void *state,
                                   const dassdp_projection_t *projection, uint32_t t_step)
{
    if (projection->from_input != 0u) {
        const dassdp_input_t *input = &model->inputs[projection->pre];
        uint32_t frame = input->n_frames > 1u ? t_step : 0u;
        return dassdp_at_const(state, (uint32_t)model->x_off + input->x_off
                                          + frame * input->frame_bytes);
    }
    return dassdp_at_const(state, (uint32_t)model->populations[projection->pre].spk_off);
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

/* Sums of lists of rows go into a part, which is added; dense, the silent rows are taken off the sum of
 * all rows. Apart, so that the usual way has few values to keep. */
__attribute__((noinline)) static uint32_t accumulate_parts(const dassdp_model_t *model, void *state,
                                                           const dassdp_projection_t *projection,
                                                           dassdp_cursor_t *cursor,
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

/* Adds one projection's sums; returns 1 if there were any. A list of rows goes straight into the sums
 * where they are as wide as the kernel's. */
static uint32_t accumulate(const dassdp_model_t *model, void *state,
                           const dassdp_population_t *population,
                           const dassdp_projection_t *projection, uint32_t adds, uint32_t t_step)
{
    const dassdp_progress_t *progress = dassdp_at_const(state, model->progress_off);
    const void *image = progress->uses_factory != 0u ? projection->factory
                                                     : dassdp_image(projection, state);
    dassdp_cursor_t cursor = {
        .spk_bits = dassdp_spikes_into(model, state, projection, t_step),
        .n_words = DASSDP_WORDS((uint32_t)projection->n_pre),
        .row = dassdp_first_row(image),
        .row_bytes = projection->row_bytes,
    };
    if (projection->totals != 0
        || (population->acc_is_wide != 0u && projection->weight_bits != 16u)) {
        return accumulate_parts(model, state, projection, &cursor, image, adds);
    }
    dassdp_row_t *rows = dassdp_at(state, model->rows_off);
    do {
        const uint32_t n_rows = dassdp_k_rows(&cursor, rows);
        if (n_rows != 0u) {
            projection->accumulate(projection, dassdp_at(state, model->sums_off), rows, n_rows,
                                   adds, image);
            adds = 1;
        }
    } while (cursor.n_words != 0u);
    return adds;
}

static const void *spike_sums(const dassdp_model_t *model, void *state,
                              const dassdp_population_t *population, uint32_t t_step)
{
    void *acc = dassdp_at(state, model->sums_off);
    uint32_t adds = 0;
    for (uint32_t p = population->projection_begin; p < population->projection_end; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->path != 0) {
            adds = projection->is_analogue != 0u
                       ? adds
                       : projection->path->deliver(model, state, projection, acc, adds, t_step);
        } else if (projection->is_analogue == 0u) {
            adds = accumulate(model, state, population, projection, adds, t_step);
        }
    }
    if (adds == 0u) {
        memset(acc, 0, DASSDP_COLUMNS((uint32_t)population->n_neurons)
                           * (population->acc_is_wide != 0u ? 4u : 2u));
    }
    return acc;
}

static int32_t membrane(const dassdp_population_t *population, const void *state, uint32_t idx)
{
    const void *v = dassdp_at_const(state, (uint32_t)population->v_off);
    return population->v_is_wide != 0u ? ((const int32_t *)v)[idx] : ((const int16_t *)v)[idx];
}

static void add_logits(const dassdp_model_t *model, void *state,
                       const dassdp_population_t *population)
{
    int32_t *sum = dassdp_at(state, (uint32_t)population->sum_off);
    if (model->readout_kind == DASSDP_READOUT_MEMBRANE_SUM) {
        for (uint32_t i = 0; i < population->n_neurons; i++) {
            sum[i] += membrane(population, state, i);
        }
        return;
    }
    if (model->readout_kind == DASSDP_READOUT_SPIKE_NUMBER) {
        return; /* dassdp_dynamics_step has added them */
    }
    const uint32_t *spk_bits = dassdp_at_const(state, (uint32_t)population->spk_off);
    for (uint32_t w = 0; w < DASSDP_WORDS((uint32_t)population->n_neurons); w++, sum += 32) {
        for (uint32_t word = spk_bits[w], i = 0; word != 0u; word >>= 1, i++) {
            sum[i] += (int32_t)(word & 1u);
        }
    }
}

const uint32_t *dassdp_positive(const dassdp_model_t *model, void *state,
                                const dassdp_population_t *population)
{
    uint32_t *words = dassdp_at(state, model->words_off);
    memset(words, 0, DASSDP_WORDS((uint32_t)population->n_neurons) * 4u);
    for (uint32_t i = 0; i < population->n_neurons; i++) {
        words[i >> 5] |= (uint32_t)(membrane(population, state, i) > 0) << (i & 31u);
    }
    return words;
}

/* What rules remember of a step. */
static void record(const dassdp_model_t *model, void *state, const dassdp_population_t *population,
                   const uint32_t *spk_bits, uint32_t t_step)
{
    uint32_t row_bytes = DASSDP_WORDS((uint32_t)population->n_neurons) * 4u;
    if (population->count_off >= 0) {
        dassdp_record_t slot =
            dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
        const uint32_t *events =
            population->events != 0 ? population->events(model, state, population) : spk_bits;
        dassdp_record_add(&slot, events, t_step, population->records == DASSDP_RECORD_LAST);
        if (population->count_more != 0) {
            population->count_more(model, state, population);
        }
    }
    if (population->keeps_raster != 0u) {
        memcpy(dassdp_at(state, (uint32_t)population->raster_off + t_step * row_bytes), spk_bits,
               row_bytes);
    }
    if (population->touch != 0) {
        population->touch(population, dassdp_at(state, (uint32_t)population->v_off),
                          dassdp_at(state, (uint32_t)population->touch_off + t_step * row_bytes));
    }
}

void dassdp_step_population(const dassdp_model_t *model, void *state,
                            const dassdp_population_t *population, uint32_t t_step)
{
    const void *base = population->base;
    if (population->base_off >= 0) {
        base = dassdp_at(state, (uint32_t)population->base_off);
        if (has_frames(model, population)) {
            analogue_current(model, state, population,
                             dassdp_at(state, (uint32_t)model->x_off), t_step);
        }
    }
    const void *acc = spike_sums(model, state, population, t_step);
    uint32_t *spk_bits = dassdp_at(state, (uint32_t)population->spk_off);
    if (population->dynamics != 0) {
        population->dynamics->step(population, state, acc, base, t_step);
    } else {
        population->update(population, dassdp_at(state, (uint32_t)population->v_off), spk_bits, acc,
                           base);
    }
    if (population->sum_off >= 0) {
        add_logits(model, state, population);
    }
    record(model, state, population, spk_bits, t_step);
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
    for (uint32_t i = 0; i < model->n_populations; i++) {
        dassdp_step_population(model, state, &model->populations[i], progress->t_step);
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
