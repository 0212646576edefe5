/* What a plasticity rule is made with: the one header that a rule includes, ours or yours.
 *
 * A rule is a pair of files, my_rule.h with the struct of its constants, which generated code fills,
 * and my_rule.c:
 *
 *     typedef struct {
 *         int16_t eta_q8;
 *         uint32_t row_off;                       // scratch: an update row
 *     } my_rule_t;
 *     dassdp_rule_fn my_rule_learn;
 *
 *     void my_rule_learn(const dassdp_model_t *model, void *state,
 *                        const dassdp_projection_t *projection)
 *     {
 *         const my_rule_t *rule = dassdp_constants(projection);
 *         dassdp_record_t pre = dassdp_pre_record(model, state, projection);
 *         dassdp_record_t post = dassdp_post_record(model, state, projection);
 *         int16_t *dw_q8 = dassdp_row_buffer(state, projection, rule->row_off);
 *         dassdp_slices_t *lesson = dassdp_slices(model, state);
 *         for (uint32_t j = dassdp_resumed(lesson); j < projection->n_pre; j++) {
 *             uint32_t n_tried = 0, n_vanished = 0;
 *             ... dw_q8[i] for i < projection->n_post, from the records of j and i ...
 *             dassdp_write_row(model, state, projection, j, dw_q8, n_tried, n_vanished);
 *             if (dassdp_pauses(lesson, j + 1)) {
 *                 return;
 *             }
 *         }
 *     }
 *
 * A lesson may run in slices: the lines with `lesson` let a rule pause between two rows, for which its
 * Python says what a row takes at most (`grain`). Without them, and without it, it runs to its end at
 * once. Its scratch lasts until it has ended.
 *
 * Offsets (`<x>_off`, bytes from the start of the state) reach a rule through its constants: of scratch,
 * whose bytes last for one call, and of what it carries from sample to sample. `model` and `state` are
 * handed through; a rule reads and writes no other memory, has no static variables, and calls nothing
 * but this. Arithmetic is of integers, named by their Q-formats; fixed.h rounds and narrows.
 *
 * For one projection there are
 *   records  of the sample that just ended, or of each of a batch: spike counts and latencies
 *   rasters  the spikes of every step, of populations whose raster_off is not DASSDP_NONE
 *   touches  the membranes near threshold of every step, where touch_off is not
 *   errors   int16 in Q8 of a probability at the readout, fed back elsewhere, where error_off is not
 *   weights  the image of the projection, read by dassdp_weight, written by dassdp_write_row alone
 * which the rule's specification asks for (docs/own-rule.md). */
#ifndef DASSDP_RULES_H
#define DASSDP_RULES_H

#include <string.h>

#include "dassdp_tables.h"
#include "fixed.h"
#include "kernels.h"
#include "state.h"

/* The rule's constants, of its own type. */
static inline const void *dassdp_constants(const dassdp_projection_t *projection)
{
    return projection->rule->constants;
}

static inline const dassdp_population_t *dassdp_pre(const dassdp_model_t *model,
                                                    const dassdp_projection_t *projection)
{
    return &model->populations[projection->pre];
}

static inline const dassdp_population_t *dassdp_post(const dassdp_model_t *model,
                                                     const dassdp_projection_t *projection)
{
    return &model->populations[projection->post];
}

/* Counts and latencies of the sample that just ended (state.h: dassdp_plane_value, dassdp_fired, ...;
 * those of sample b of a batch: dassdp_record with slot b). */
static inline dassdp_record_t dassdp_pre_record(const dassdp_model_t *model, void *state,
                                                const dassdp_projection_t *projection)
{
    return dassdp_record(model, state, dassdp_pre(model, projection),
                         dassdp_learning(model, state)->batch_idx);
}

static inline dassdp_record_t dassdp_post_record(const dassdp_model_t *model, void *state,
                                                 const dassdp_projection_t *projection)
{
    return dassdp_record(model, state, dassdp_post(model, projection),
                         dassdp_learning(model, state)->batch_idx);
}

/* n_steps rows of DASSDP_WORDS(n_neurons) words, neuron i in bit i & 31 of word i >> 5. */
static inline const uint32_t *dassdp_raster(const void *state,
                                            const dassdp_population_t *population)
{
    return dassdp_at_const(state, (uint32_t)population->raster_off);
}

static inline const uint32_t *dassdp_touches(const void *state,
                                             const dassdp_population_t *population)
{
    return dassdp_at_const(state, (uint32_t)population->touch_off);
}

/* 1 where the neuron's bit is set. */
static inline uint32_t dassdp_bit(const uint32_t *bits, uint32_t idx)
{
    return (bits[idx >> 5] >> (idx & 31u)) & 1u;
}

/* n_neurons errors, int16. */
static inline const int16_t *dassdp_errors(const void *state,
                                           const dassdp_population_t *population)
{
    return dassdp_at_const(state, (uint32_t)population->error_off);
}

/* Samples of the batch at hand, in slots from 0 on: n_batch, or fewer in the last record of a warm-up. */
static inline uint32_t dassdp_batch_size(const dassdp_model_t *model, void *state)
{
    uint32_t n_samples = dassdp_learning(model, state)->batch_idx;
    return n_samples != 0u ? n_samples : model->n_batch;
}

/* Losses of a batch, n_batch of them, Q8 bits: rules of DASSDP_STAGE_BATCH. */
static inline const uint16_t *dassdp_losses(const dassdp_model_t *model, const void *state)
{
    return dassdp_at_const(state, (uint32_t)model->loss_off);
}

/* The plastic weights: dassdp_weight(projection, image, pre_idx, post_idx), or dassdp_read_row for a row. */
static inline void *dassdp_plastic_image(void *state, const dassdp_projection_t *projection)
{
    return dassdp_at(state, (uint32_t)projection->image_off);
}

/* Whether the rule has not begun with this sample. */
static inline int dassdp_is_first(const dassdp_slices_t *lesson)
{
    return lesson->at[0] == 0u;
}

/* Where a rule goes on that paused by dassdp_pauses; 0: it begins. */
static inline uint32_t dassdp_resumed(const dassdp_slices_t *lesson)
{
    return lesson->at[0];
}

/* A grain is done: where this is not 0 the slice is over, and the rule has to return. It is called
 * again, and goes on at `next`, 1 to 65535. */
static inline int dassdp_pauses(dassdp_slices_t *lesson, uint32_t next)
{
    lesson->n_grains--;
    if (lesson->n_grains != 0u) {
        return 0;
    }
    lesson->at[0] = (uint16_t)next;
    lesson->is_paused = 1;
    return 1;
}

/* The random generator, for dassdp_random. Its order of draws is part of the result. */
static inline uint32_t *dassdp_rng(const dassdp_model_t *model, void *state)
{
    return &dassdp_learning(model, state)->rng;
}

/* An amplitude below 2^22, times the factor of step sizes, of a schedule or of the share of misses. */
static inline uint32_t dassdp_scheduled(const dassdp_model_t *model, void *state,
                                        uint32_t amplitude)
{
    if (model->error_step != 0) {
        return (amplitude * model->error_step->factor_q8(model, state)) >> 8;
    }
    if (model->schedule_q8 == 0) {
        return amplitude;
    }
    uint32_t entry = dassdp_learning(model, state)->n_labelled >> DASSDP_SCHEDULE_SHIFT;
    uint32_t last = model->n_schedule - 1u;
    return (amplitude * model->schedule_q8[entry < last ? entry : last]) >> 8;
}

/* An update row in scratch, DASSDP_COLUMNS(n_post) entries, all 0; the padding must stay so. */
static inline int16_t *dassdp_row_buffer(void *state, const dassdp_projection_t *projection,
                                         uint32_t row_off)
{
    int16_t *dw_q8 = dassdp_at(state, row_off);
    memset(dw_q8, 0, DASSDP_COLUMNS((uint32_t)projection->n_post) * sizeof *dw_q8);
    return dw_q8;
}

/* w += dw_q8 / 256 in the listed rows, rounded stochastically and saturating; |dw_q8| <= DASSDP_DW_MAX_Q8.
 * n_tried: updates of a row that the rule counts; n_vanished: of these, rounded to 0 already. Nothing
 * is written or drawn where all did. */
static inline void dassdp_write_rows(const dassdp_model_t *model, void *state,
                                     const dassdp_projection_t *projection,
                                     const dassdp_row_t *rows, uint32_t n_rows,
                                     const int16_t *dw_q8, uint32_t n_tried, uint32_t n_vanished)
{
    dassdp_learning_t *learning = dassdp_learning(model, state);
    learning->n_updates += n_rows * n_tried;
    learning->n_vanished += n_rows * n_vanished;
    if (n_vanished != n_tried) {
        projection->learn_rows(projection, rows, n_rows, dw_q8, &learning->rng,
                               dassdp_plastic_image(state, projection));
    }
}

/* The same for the weights of one presynaptic neuron. */
static inline void dassdp_write_row(const dassdp_model_t *model, void *state,
                                    const dassdp_projection_t *projection, uint32_t pre_idx,
                                    const int16_t *dw_q8, uint32_t n_tried, uint32_t n_vanished)
{
    dassdp_row_t row = dassdp_first_row(dassdp_plastic_image(state, projection))
                       + pre_idx * projection->row_bytes;
    dassdp_write_rows(model, state, projection, &row, 1, dw_q8, n_tried, n_vanished);
}

#endif
