/* k_i = clip(round(err_i r)): how far a sample moves each postsynaptic neuron. err is the error fed back
 * to it, or how many spikes it lacks. */
#include <string.h>

#include "fixed.h"
#include "kernels.h"
#include "rules.h"

/* r = amplitude // (1 + sum of n_j^2): the step does not grow with activity. With n_j in bit planes
 * P_b the sum is that over all pairs of planes of 2^(a+b) |P_a & P_b|. */
static uint32_t normalized_step(uint32_t amplitude, const dassdp_record_t *pre)
{
    uint32_t n_squared = 1;
    const uint32_t *planes = pre->count;
    for (uint32_t w = 0; w < pre->n_words; w++, planes += pre->bits) {
        for (uint32_t b = 0; b < pre->bits; b++) {
            n_squared += dassdp_popcount(planes[b]) << (2u * b);
            for (uint32_t a = 0; planes[b] != 0u && a < b; a++) {
                n_squared += dassdp_popcount(planes[a] & planes[b]) << (a + b + 1u);
            }
        }
    }
    return amplitude / n_squared;
}

/* The schedule's factor; amplitudes are below 2^22. */
static uint32_t scheduled(const dassdp_model_t *model, void *state, uint32_t amplitude)
{
    if (model->schedule_q8 == 0) {
        return amplitude;
    }
    uint32_t entry = dassdp_learning(model, state)->n_labelled >> 4;
    uint32_t last = model->n_schedule - 1u;
    return (amplitude * model->schedule_q8[entry < last ? entry : last]) >> 8;
}

/* err_i = target_i - n_i in Q7. */
static const int16_t *lacking(const dassdp_model_t *model, void *state,
                              const dassdp_projection_t *projection, int16_t *err)
{
    dassdp_record_t post = dassdp_record(model, state, &model->populations[projection->post],
                                         dassdp_learning(model, state)->batch_idx);
    for (uint32_t i = 0; i < post.n; i++) {
        int32_t n_q7 = (int32_t)(dassdp_plane_value(post.count, post.bits, i) << 7);
        err[i] = dassdp_narrow_s16(projection->error_rule->targets_q7[i] - n_q7);
    }
    return err;
}

uint32_t dassdp_error_factors(const dassdp_model_t *model, void *state,
                              const dassdp_projection_t *projection, const dassdp_record_t *pre,
                              int16_t *k)
{
    const dassdp_error_rule_t *rule = projection->error_rule;
    const int16_t *err;
    uint32_t amplitude = rule->amplitude;
    uint32_t n_tried = 0;
    memset(k, 0, DASSDP_COLUMNS((uint32_t)projection->n_post) * sizeof *k);
    if (rule->targets_q7 != 0) {
        err = lacking(model, state, projection, k);
    } else {
        err = dassdp_at_const(state, (uint32_t)model->populations[projection->post].error_off);
        amplitude = scheduled(model, state, amplitude);
    }
    uint32_t step = normalized_step(amplitude, pre);
    int32_t r = (int32_t)(step < rule->r_max ? step : rule->r_max);
    for (uint32_t i = 0; i < projection->n_post; i++) {
        int32_t k_i = dassdp_round_s32(err[i] * r, rule->k_rshift);
        k[i] = (int16_t)dassdp_clip_s32(k_i, -rule->k_max, rule->k_max);
        n_tried += (uint32_t)(k[i] != 0);
    }
    return n_tried;
}
