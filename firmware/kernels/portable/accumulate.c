/* acc[i] += sum over active j of w[j][i].
 * Rows hold biased bytes u = w + 2^(bits-1), so a tile of eight columns sums unsigned bytes and the
 * bias comes off once. |acc| is proven to fit its container; padding columns hold w = 0. */
#include "fixed.h"
#include "kernels.h"

enum { TILE = 8 };

static void sum_tile_u8(uint32_t sum[TILE], const uint8_t *column, const uint16_t *active,
                        uint32_t n_active, uint32_t row_bytes)
{
    for (uint32_t k = 0; k < TILE; k++) {
        sum[k] = 0;
    }
    for (uint32_t a = 0; a < n_active; a++) {
        const uint8_t *row = column + (uint32_t)active[a] * row_bytes;
        for (uint32_t k = 0; k < TILE; k++) {
            sum[k] += row[k];
        }
    }
}

void dassdp_k_accumulate_s8_a16(const dassdp_projection_t *projection, void *acc, const void *image,
                                const uint16_t *active, uint32_t n_active)
{
    int16_t *acc_q0 = acc;
    uint32_t bias = n_active << (projection->weight_bits - 1u);
    for (uint32_t i = 0; i < projection->row_bytes; i += TILE) {
        uint32_t sum[TILE];
        sum_tile_u8(sum, (const uint8_t *)image + i, active, n_active, projection->row_bytes);
        for (uint32_t k = 0; k < TILE; k++) {
            uint32_t post_idx = i + (k & 4u) + DASSDP_LANE(k);
            acc_q0[post_idx] = dassdp_narrow_s16(acc_q0[post_idx] + (int32_t)(sum[k] - bias));
        }
    }
}

void dassdp_k_accumulate_s8_a32(const dassdp_projection_t *projection, void *acc, const void *image,
                                const uint16_t *active, uint32_t n_active)
{
    int32_t *acc_q0 = acc;
    uint32_t bias = n_active << (projection->weight_bits - 1u);
    for (uint32_t i = 0; i < projection->row_bytes; i += TILE) {
        uint32_t sum[TILE];
        sum_tile_u8(sum, (const uint8_t *)image + i, active, n_active, projection->row_bytes);
        for (uint32_t k = 0; k < TILE; k++) {
            uint32_t post_idx = i + (k & 4u) + DASSDP_LANE(k);
            acc_q0[post_idx] += (int32_t)(sum[k] - bias);
        }
    }
}

void dassdp_k_accumulate_s16_a32(const dassdp_projection_t *projection, void *acc,
                                 const void *image, const uint16_t *active, uint32_t n_active)
{
    int32_t *acc_q8 = acc;
    uint32_t n_columns = projection->row_bytes >> 1;
    for (uint32_t a = 0; a < n_active; a++) {
        const int16_t *row = (const int16_t *)image + (uint32_t)active[a] * n_columns;
        for (uint32_t i = 0; i < n_columns; i++) {
            acc_q8[i] += row[i];
        }
    }
}
