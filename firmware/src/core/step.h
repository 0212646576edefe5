/* One time step of a population, written once and compiled for each: its descriptors are constants of
 * the generated code that calls this, so that the compiler takes all decisions and calls through
 * pointers become plain ones. */
#ifndef DASSDP_STEP_H
#define DASSDP_STEP_H

#include <string.h>

#include "dynamics.h"
#include "fixed.h"
#include "kernels.h"
#include "network.h"
#include "state.h"

#define DASSDP_KNOWN static inline __attribute__((always_inline))

/* Sums of an analogue projection; returns 1, there are some now. */
DASSDP_KNOWN uint32_t dassdp_add_currents(const dassdp_model_t *model, void *state,
                                          const dassdp_projection_t *projection, const int8_t *x,
                                          uint32_t adds, uint32_t t_step)
{
    const dassdp_input_t *input = &model->inputs[projection->pre];
    uint32_t frame = input->n_frames > 1u ? t_step : 0u;
    projection->analogue(projection, dassdp_at(state, model->sums_off),
                         x + input->x_off + frame * input->frame_bytes, adds);
    return 1;
}

/* base = (bias + sums) / 2^analogue_rshift, rounded by what the bias holds for it. */
DASSDP_KNOWN void dassdp_end_currents(const dassdp_model_t *model, void *state,
                                      const dassdp_population_t *population)
{
    const void *acc = dassdp_at_const(state, model->sums_off);
    void *base = dassdp_at(state, (uint32_t)population->base_off);
    const int32_t *bias = population->analogue_bias;
#pragma GCC unroll 4
    for (uint32_t i = 0; i < population->n_neurons; i++) {
        int32_t sum = population->analogue_is_wide != 0u ? ((const int32_t *)acc)[i]
                                                         : ((const int16_t *)acc)[i];
        int32_t current = (bias[i] + sum) >> population->analogue_rshift;
        if (population->v_is_wide != 0u) {
            ((int32_t *)base)[i] = current;
        } else {
            ((int16_t *)base)[i] = dassdp_narrow_s16(current);
        }
    }
}

/* What each membrane gets beside spikes, NULL: 0. */
DASSDP_KNOWN const void *dassdp_base(void *state, const dassdp_population_t *population)
{
    return population->base_off < 0 ? population->base
                                    : dassdp_at(state, (uint32_t)population->base_off);
}

/* Spikes that enter a projection in this step, as its source has them. */
DASSDP_KNOWN const uint32_t *dassdp_spikes_of(const dassdp_model_t *model, const void *state,
                                              const dassdp_projection_t *projection,
                                              uint32_t t_step)
{
    if (projection->from_input != 0u) {
        const dassdp_input_t *input = &model->inputs[projection->pre];
        uint32_t frame = input->n_frames > 1u ? t_step : 0u;
        return dassdp_at_const(state, (uint32_t)model->x_off + input->x_off
                                          + frame * input->frame_bytes);
    }
    return dassdp_at_const(state, (uint32_t)model->populations[projection->pre].spk_off);
}

/* Sums of a plain matrix; returns 1 if there are any now. A list of rows goes straight into the sums
 * where they are as wide as the kernel's. */
DASSDP_KNOWN uint32_t dassdp_add_rows(const dassdp_model_t *model, void *state,
                                      const dassdp_population_t *population,
                                      const dassdp_projection_t *projection, uint32_t adds,
                                      uint32_t t_step)
{
    const void *image = dassdp_image_in_use(model, projection, state);
    const uint32_t n_words = DASSDP_WORDS((uint32_t)projection->n_pre);
    dassdp_cursor_t cursor = {
        .spk_bits = dassdp_spikes_of(model, state, projection, t_step),
        .n_words = n_words,
        .row = dassdp_first_row(image),
        .row_bytes = projection->row_bytes,
    };
    if (projection->totals != 0
        || (population->acc_is_wide != 0u && projection->weight_bits != 16u)) {
        return dassdp_add_parts(model, state, projection, &cursor, image, adds);
    }
    dassdp_row_t *rows = dassdp_at(state, model->rows_off);
    do {
        const uint32_t n_rows = dassdp_k_rows(&cursor, rows);
        if (n_rows != 0u) {
            projection->accumulate(projection, dassdp_at(state, model->sums_off), rows, n_rows,
                                   adds, image);
            adds = 1;
        }
    } while (projection->n_pre > DASSDP_ROWS_MAX && cursor.n_words != 0u); /* a list holds so many */
    return adds;
}

/* The same of any projection of spikes. */
DASSDP_KNOWN uint32_t dassdp_add_spikes(const dassdp_model_t *model, void *state,
                                        const dassdp_population_t *population,
                                        const dassdp_projection_t *projection, uint32_t adds,
                                        uint32_t t_step)
{
    if (projection->path != 0) {
        return projection->path->deliver(model, state, projection,
                                         dassdp_at(state, model->sums_off), adds, t_step);
    }
    return dassdp_add_rows(model, state, population, projection, adds, t_step);
}

DASSDP_KNOWN int32_t dassdp_membrane(const dassdp_population_t *population, const void *state,
                                     uint32_t idx)
{
    const void *v = dassdp_at_const(state, (uint32_t)population->v_off);
    return population->v_is_wide != 0u ? ((const int32_t *)v)[idx] : ((const int16_t *)v)[idx];
}

DASSDP_KNOWN void dassdp_add_logits(const dassdp_model_t *model, void *state,
                                    const dassdp_population_t *population)
{
    int32_t *sum = dassdp_at(state, (uint32_t)population->sum_off);
    if (model->readout_kind == DASSDP_READOUT_MEMBRANE_SUM) {
        for (uint32_t i = 0; i < population->n_neurons; i++) {
            sum[i] += dassdp_membrane(population, state, i);
        }
        return;
    }
    if (model->readout_kind == DASSDP_READOUT_SPIKE_NUMBER) {
        const uint8_t *n_spikes = dassdp_numbers(population->dynamics, state);
        for (uint32_t i = 0; i < population->n_neurons; i++) {
            sum[i] += n_spikes[i];
        }
        return;
    }
    const uint32_t *spk_bits = dassdp_at_const(state, (uint32_t)population->spk_off);
    for (uint32_t w = 0; w < DASSDP_WORDS((uint32_t)population->n_neurons); w++, sum += 32) {
        for (uint32_t word = spk_bits[w], i = 0; word != 0u; word >>= 1, i++) {
            sum[i] += (int32_t)(word & 1u);
        }
    }
}

/* What rules remember of a step. */
DASSDP_KNOWN void dassdp_remember(const dassdp_model_t *model, void *state,
                                  const dassdp_population_t *population, const uint32_t *spk_bits,
                                  uint32_t t_step)
{
    uint32_t row_bytes = DASSDP_WORDS((uint32_t)population->n_neurons) * 4u;
    if (population->count_off >= 0) {
        dassdp_record_t slot = dassdp_record_at(model, state, population,
                                                dassdp_slot(model, state));
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

/* Membranes and spikes of the step, once all projections have added: adds is 0 where none has. */
DASSDP_KNOWN void dassdp_end_step(const dassdp_model_t *model, void *state,
                                  const dassdp_population_t *population, uint32_t adds,
                                  uint32_t t_step)
{
    const void *base = dassdp_base(state, population);
    void *acc = dassdp_at(state, model->sums_off);
    uint32_t *spk_bits = dassdp_at(state, (uint32_t)population->spk_off);
    if (adds == 0u) {
        memset(acc, 0, DASSDP_COLUMNS((uint32_t)population->n_neurons)
                           * (population->acc_is_wide != 0u ? 4u : 2u));
    }
    void *v = dassdp_at(state, (uint32_t)population->v_off);
    const dassdp_dynamics_t *dynamics = population->dynamics;
    if (population->update != 0) {
        population->update(population, v, spk_bits, acc, base);
    } else {
        dynamics->neurons(population, v, spk_bits, acc, base,
                          dynamics->i_off < 0 ? 0 : dassdp_at(state, (uint32_t)dynamics->i_off),
                          dassdp_numbers(dynamics, state));
    }
    if (dynamics != 0 && dynamics->n_history != 0u) {
        dassdp_history_remember(population, state, t_step);
    }
    if (population->sum_off >= 0) {
        dassdp_add_logits(model, state, population);
    }
    dassdp_remember(model, state, population, spk_bits, t_step);
}

#endif
