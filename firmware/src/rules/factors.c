/* How far a sample moves each postsynaptic neuron. */
#include "factors.h"

/* 1 + sum of n_j^2, or as much of it as passes any amplitude. With n_j in bit planes P_b it is the sum
 * over all pairs of planes of 2^(a+b) |P_a & P_b|; a word adds at most 2^29. */
static uint32_t squared(const dassdp_record_t *pre)
{
    uint32_t n_squared = 1;
    const uint32_t *planes = pre->count;
    for (uint32_t w = 0; w < pre->n_words && n_squared >> 31 == 0u; w++, planes += pre->bits) {
        for (uint32_t b = 0; b < pre->bits; b++) {
            n_squared += dassdp_popcount(planes[b]) << (2u * b);
            for (uint32_t a = 0; planes[b] != 0u && a < b; a++) {
                n_squared += dassdp_popcount(planes[a] & planes[b]) << (a + b + 1u);
            }
        }
    }
    return n_squared;
}

uint32_t dassdp_factors(const dassdp_factors_t *factors, void *state,
                        const dassdp_projection_t *projection, const dassdp_record_t *pre,
                        const int16_t *err, uint32_t amplitude)
{
    const uint32_t n_post = projection->n_post;
    uint32_t k_rshift = factors->k_rshift;
    const int32_t k_max = factors->k_max;
    int16_t *k = dassdp_at(state, factors->k_off);
    uint32_t n_tried = 0;
    const uint32_t n_squared = squared(pre);
    if (factors->longs != 0) {
        factors->longs->refine(n_squared, &amplitude, &k_rshift);
    }
    uint32_t step = amplitude / n_squared;
    int32_t r = (int32_t)(step < factors->r_max ? step : factors->r_max);
    for (uint32_t i = 0; i < n_post; i++) {
        int32_t k_i = dassdp_clip_s32(dassdp_round_s32(err[i] * r, k_rshift), -k_max, k_max);
        k[i] = (int16_t)k_i;
        n_tried += (uint32_t)(k_i != 0);
    }
    memset(k + n_post, 0, (DASSDP_COLUMNS(n_post) - n_post) * sizeof *k);
    return n_tried;
}

uint32_t dassdp_factors_of_errors(const dassdp_factors_t *factors, const dassdp_model_t *model,
                                  void *state, const dassdp_projection_t *projection,
                                  const dassdp_record_t *pre)
{
    return dassdp_factors(factors, state, projection, pre,
                          dassdp_errors(state, dassdp_post(model, projection)),
                          dassdp_scheduled(model, state, factors->amplitude));
}
