/* Rows hold biased bytes u = w + 2^(bits-1), so a tile of eight columns sums unsigned bytes in
 * registers and the bias comes off once. |acc| is proven to fit; padding columns hold w = 0. */
#include "fixed.h"
#include "kernels.h"

void dassdp_k_accumulate_s8(const dassdp_projection_t *projection, void *acc,
                            const dassdp_row_t *rows, uint32_t n_rows, uint32_t adds,
                            const void *image)
{
    const uint32_t bias = n_rows << (projection->weight_bits - 1u);
    const uint32_t row_bytes = projection->row_bytes;
    const int32_t kept = -(int32_t)adds;
    for (uint32_t i = 0; i < row_bytes; i += 8u) {
        int16_t *at = (int16_t *)acc + i;
        uint32_t sum[8] = {0};
        for (uint32_t a = 0; a < n_rows; a++) {
            const uint8_t *restrict row = dassdp_row(image, rows[a]) + i;
#pragma GCC unroll 8
            for (uint32_t k = 0; k < 8u; k++) {
                sum[k] += row[k];
            }
        }
        for (uint32_t k = 0; k < 8u; k++) {
            uint32_t n = (k & 4u) + DASSDP_LANE(k);
            at[n] = dassdp_narrow_s16((at[n] & kept) + (int32_t)(sum[k] - bias));
        }
    }
}
