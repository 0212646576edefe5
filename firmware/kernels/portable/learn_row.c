#include "fixed.h"
#include "kernels.h"

uint32_t dassdp_k_update_row(const dassdp_error_rule_t *rule, int16_t *dw_q8, const int16_t *k,
                             uint32_t n_post, uint32_t n_spikes, const uint8_t *latency_post,
                             uint32_t latency_pre)
{
    const uint8_t *g_q7 = rule->g_q7;
    uint32_t rshift = rule->row_rshift;
    uint32_t n_vanished = 0;
    for (uint32_t i = 0; i < n_post; i++) {
        int32_t g = 128;
        if (g_q7 != 0) {
            uint32_t t = latency_post[i];
            g = g_q7[t > latency_pre ? t - latency_pre : latency_pre - t];
        }
        dw_q8[i] = dassdp_narrow_s16(dassdp_round_s32(k[i] * ((int32_t)n_spikes * g), rshift));
        n_vanished += (uint32_t)(k[i] != 0 && dw_q8[i] == 0);
    }
    return n_vanished;
}

static uint32_t learn_row_s16(int16_t *row, uint32_t n_columns, const int16_t *dw_q8)
{
    uint32_t n_saturated = 0;
    for (uint32_t i = 0; i < n_columns; i++) {
        int32_t wanted = row[i] + dw_q8[i];
        int32_t w_q8 = dassdp_clip_s32(wanted, INT16_MIN, INT16_MAX);
        n_saturated += (uint32_t)(w_q8 != wanted);
        row[i] = (int16_t)w_q8;
    }
    return n_saturated;
}

uint32_t dassdp_k_learn_row(const dassdp_projection_t *projection, void *image, uint32_t pre_idx,
                            const int16_t *dw_q8, const int16_t *k, uint32_t *rng)
{
    if (projection->weight_bits == 16u) {
        uint32_t n_columns = projection->row_bytes >> 1;
        return learn_row_s16((int16_t *)image + pre_idx * n_columns, n_columns, dw_q8);
    }
    uint8_t *row = (uint8_t *)image + pre_idx * projection->row_bytes;
    int32_t u_max = (int32_t)(1u << projection->weight_bits) - 1;
    uint32_t n_saturated = 0;
    for (uint32_t i = 0; i < projection->n_post; i += 4u) {
        if (k != 0 && (k[i] | k[i + 1u] | k[i + 2u] | k[i + 3u]) == 0) {
            continue;
        }
        uint32_t random = dassdp_random(rng);
        for (uint32_t b = 0; b < 4u; b++) {
            int32_t dither_q8 = (int32_t)((random >> (8u * b)) & 255u);
            int32_t wanted = row[i + b] + ((dw_q8[i + DASSDP_LANE(b)] + dither_q8) >> 8);
            int32_t u = dassdp_clip_s32(wanted, 0, u_max);
            n_saturated += (uint32_t)(u != wanted);
            row[i + b] = (uint8_t)u;
        }
    }
    return n_saturated;
}
