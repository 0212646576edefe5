/* Rows hold biased bytes u = w + 2^(bits-1), so a tile of columns sums unsigned bytes and the bias
 * comes off once. |acc| is proven to fit its container; padding columns hold w = 0. */
#include "fixed.h"
#include "kernels.h"
#include "tile.h"

#define DASSDP_ACCUMULATE_TILES(width)                                                            \
    for (; i + (width) <= row_bytes; i += (width)) {                                              \
        int16_t *at = (int16_t *)acc + i;                                                         \
        dassdp_sum16_t sum[width] = {0};                                                          \
        for (uint32_t a = 0; a < n_rows; a++) {                                                   \
            const uint8_t *restrict row = dassdp_row(image, rows[a]) + i;                         \
            DASSDP_UNROLL                                                                         \
            for (uint32_t k = 0; k < (width); k++) {                                              \
                sum[k] = (dassdp_sum16_t)(sum[k] + row[k]);                                       \
            }                                                                                     \
        }                                                                                         \
        for (uint32_t k = 0; k < (width); k++) {                                                  \
            uint32_t n = (k & ~3u) + DASSDP_LANE(k);                                              \
            at[n] = dassdp_narrow_s16((at[n] & kept) + (dassdp_difference16_t)(sum[k] - bias));   \
        }                                                                                         \
    }

void dassdp_k_accumulate_s8(const dassdp_projection_t *projection, void *acc,
                            const dassdp_row_t *rows, uint32_t n_rows, uint32_t adds,
                            const void *image)
{
    const uint32_t bias = n_rows << (projection->weight_bits - 1u);
    const uint32_t row_bytes = projection->row_bytes;
    const int32_t kept = -(int32_t)adds;
    uint32_t i = 0;
    DASSDP_WIDE(DASSDP_ACCUMULATE_TILES(DASSDP_TILE))
    DASSDP_WIDE(DASSDP_ACCUMULATE_TILES(16))
    DASSDP_ACCUMULATE_TILES(8)
}
