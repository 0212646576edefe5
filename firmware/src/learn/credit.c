/* The error that modulates plasticity: softmax at the readout, fed back through the weights. */
#include <string.h>

#include "dassdp_quantities.h"
#include "fixed.h"
#include "kernels.h"
#include "learn.h"
#include "softmax.h"
#include "state.h"

/* log2(x / 32768) in Q8 for 32768 <= x < 2^31, by repeated squaring. */
static uint32_t log2_q8(uint32_t x)
{
    uint32_t log_q8 = 0;
    while (x >= 65536u) {
        x >>= 1;
        log_q8 += 256u;
    }
    for (uint32_t bit = 128u; bit != 0u; bit >>= 1) {
        x = (x * x) >> 15;
        if (x >= 65536u) {
            x >>= 1;
            log_q8 += bit;
        }
    }
    return log_q8;
}

uint32_t dassdp_softmax_error(const dassdp_model_t *model, void *state, uint32_t label)
{
    const dassdp_population_t *readout = &model->populations[model->readout];
    const int32_t *logits = dassdp_at_const(state, (uint32_t)readout->sum_off);
    int16_t *err_q8 = readout->error_off < 0 ? 0 : dassdp_at(state, (uint32_t)readout->error_off);
    int32_t max = logits[0];
    for (uint32_t c = 1; c < model->n_classes; c++) {
        max = logits[c] > max ? logits[c] : max;
    }
    uint32_t sum = 0;
    for (uint32_t c = 0; c < model->n_classes; c++) {
        sum += dassdp_exp2_q15(dassdp_softmax_z_q8(model, max, logits[c]));
    }
    for (uint32_t c = 0; err_q8 != 0 && c < model->n_classes; c++) {
        uint32_t p = dassdp_exp2_q15(dassdp_softmax_z_q8(model, max, logits[c]));
        int32_t q_q8 = (int32_t)((256u * p + (sum >> 1)) / sum);
        err_q8[c] = (int16_t)((c == label ? 256 : 0) - q_q8);
    }
    return dassdp_softmax_z_q8(model, max, logits[label]) + log2_q8(sum);
}

/* Neurons of one word that have an error: those that fired, or under a touch rule those that touched
 * their threshold in any step. */
static uint32_t eligible(const dassdp_model_t *model, const void *state,
                         const dassdp_population_t *population, const dassdp_record_t *record,
                         uint32_t word_idx)
{
    if (population->touch == 0) {
        return dassdp_fired(record, word_idx);
    }
    const uint32_t *row = dassdp_at_const(state, (uint32_t)population->touch_off);
    uint32_t touched = 0;
    for (uint32_t t_step = 0; t_step < model->n_steps; t_step++, row += record->n_words) {
        touched |= row[word_idx];
    }
    return touched;
}

/* Instructions of a neuron that an error flows back to through a projection, at most. */
static uint32_t grain_of(const dassdp_model_t *model, const dassdp_projection_t *out)
{
    const uint32_t touches =
        model->populations[out->pre].touch != 0 ? DASSDP_GRAIN_TOUCH * (uint32_t)model->n_steps : 0u;
    return DASSDP_GRAIN_FEEDBACK
           + DASSDP_GRAIN_FEEDBACK_COLUMN * DASSDP_COLUMNS((uint32_t)out->n_post) + touches;
}

/* err += what flows back through one projection, to eligible neurons from the one that the lesson stands
 * at; every partial sum is proven to fit. Returns whether the slice had room for them. */
static int add_through(const dassdp_model_t *model, void *state, const dassdp_projection_t *out,
                       const dassdp_record_t *record, int16_t *err)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    const int16_t *err_post =
        dassdp_at_const(state, (uint32_t)model->populations[out->post].error_off);
    const void *image = dassdp_image(out, state);
    const dassdp_population_t *population = &model->populations[out->pre];
    const uint32_t rshift = out->feedback_rshift, grain = grain_of(model, out);
    const int32_t gain_q14 = out->feedback_gain_q14;
    const uint32_t begin = lesson->neuron, n_left = record->n - begin;
    const uint32_t n_room = dassdp_room(lesson, grain), n = n_left < n_room ? n_left : n_room;
    for (uint32_t first = begin; first < begin + n; first = (first | 31u) + 1u) {
        uint32_t word = eligible(model, state, population, record, first >> 5) >> (first & 31u);
        for (uint32_t i = first; word != 0u && i < begin + n; i++, word >>= 1) {
            if ((word & 1u) != 0u) {
                int32_t sum = dassdp_round_s32(dassdp_k_feedback(out, image, i, err_post), rshift);
                err[i] = dassdp_narrow_s16(err[i] + dassdp_round_s32(sum * gain_q14, 14));
            }
        }
    }
    dassdp_spend(lesson, n, grain);
    lesson->neuron = n == n_left ? 0u : (uint16_t)(begin + n);
    return n == n_left;
}

static int feed_back_to(const dassdp_model_t *model, void *state, uint32_t population_idx)
{
    const dassdp_population_t *population = &model->populations[population_idx];
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    int16_t *err = dassdp_at(state, (uint32_t)population->error_off);
    dassdp_record_t record =
        dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
    if (lesson->out == 0u && lesson->neuron == 0u) {
        memset(err, 0, population->n_neurons * sizeof *err);
    }
    for (; lesson->out < model->n_projections; lesson->out++) {
        const dassdp_projection_t *out = &model->projections[lesson->out];
        if (out->from_input == 0u && out->pre == population_idx && out->post > population_idx &&
            model->populations[out->post].error_off >= 0 &&
            !add_through(model, state, out, &record, err)) {
            return 0;
        }
    }
    lesson->out = 0;
    return 1;
}

int dassdp_feed_back(const dassdp_model_t *model, void *state)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    for (; lesson->item != 0u; lesson->item--) {
        uint32_t i = lesson->item - 1u;
        if (i != model->readout && model->populations[i].error_off >= 0 &&
            !feed_back_to(model, state, i)) {
            return 0;
        }
    }
    return 1;
}
