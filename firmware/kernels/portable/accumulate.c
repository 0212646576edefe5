/* acc[i] += sum over active j of w[j][i].
 * Rows hold biased bytes u = w + 2^(bits-1), so a tile of columns sums unsigned bytes and the bias
 * comes off once. |acc| is proven to fit its container; padding columns hold w = 0. */
#include "fixed.h"
#include "kernels.h"
#include "tile.h"

#define DASSDP_ACCUMULATE_TILES(acc_type, sum_type, difference_type, narrow, width)                \
    for (; i + (width) <= row_bytes; i += (width)) {                                              \
        const uint8_t *column = (const uint8_t *)image + i;                                       \
        acc_type *at = (acc_type *)acc + i;                                                       \
        sum_type sum[width] = {0};                                                                \
        for (uint32_t a = 0; a < n_active; a++) {                                                 \
            const uint8_t *restrict row = column + (uint32_t)active[a] * row_bytes;               \
            DASSDP_UNROLL                                                                         \
            for (uint32_t k = 0; k < (width); k++) {                                              \
                sum[k] = (sum_type)(sum[k] + row[k]);                                             \
            }                                                                                     \
        }                                                                                         \
        for (uint32_t k = 0; k < (width); k += 4u) {                                              \
            at[k + 0u] = narrow(at[k + 0u] + (difference_type)(sum[k + 0u] - bias));              \
            at[k + 2u] = narrow(at[k + 2u] + (difference_type)(sum[k + 1u] - bias));              \
            at[k + 1u] = narrow(at[k + 1u] + (difference_type)(sum[k + 2u] - bias));              \
            at[k + 3u] = narrow(at[k + 3u] + (difference_type)(sum[k + 3u] - bias));              \
        }                                                                                         \
    }

#define DASSDP_ACCUMULATE(name, acc_type, sum_type, difference_type, narrow)                      \
    void name(const dassdp_projection_t *projection, void *acc, const void *image,                \
              const uint16_t *active, uint32_t n_active)                                          \
    {                                                                                             \
        const uint32_t bias = n_active << (projection->weight_bits - 1u);                         \
        const uint32_t row_bytes = projection->row_bytes;                                         \
        uint32_t i = 0;                                                                           \
        DASSDP_WIDE(DASSDP_ACCUMULATE_TILES(acc_type, sum_type, difference_type, narrow,          \
                                            DASSDP_TILE))                                         \
        DASSDP_WIDE(DASSDP_ACCUMULATE_TILES(acc_type, sum_type, difference_type, narrow, 16))     \
        DASSDP_ACCUMULATE_TILES(acc_type, sum_type, difference_type, narrow, 8)                   \
    }

DASSDP_ACCUMULATE(dassdp_k_accumulate_s8_a16, int16_t, dassdp_sum16_t, dassdp_difference16_t,
                  dassdp_narrow_s16)
DASSDP_ACCUMULATE(dassdp_k_accumulate_s8_a32, int32_t, uint32_t, int32_t, dassdp_narrow_s32)

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
