/* u = w + 2^(bits-1) is summed in tiles of eight columns and the bias taken off as 2^(bits-1) times
 * the sum of x. |sum| is proven to fit an int32; with u in place of w it may wrap, which unsigned
 * arithmetic takes back exactly. */
#include "kernels.h"

void dassdp_k_analogue_a32(const dassdp_projection_t *projection, void *acc, const int8_t *x,
                           uint32_t adds)
{
    const uint8_t *image = projection->factory;
    const uint32_t row_bytes = projection->row_bytes;
    const int32_t kept = -(int32_t)adds;
    int32_t x_sum = 0;
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        x_sum += x[j];
    }
    const uint32_t bias = (uint32_t)x_sum << (projection->weight_bits - 1u);
    for (uint32_t i = 0; i < row_bytes; i += 8u) {
        int32_t *at = (int32_t *)acc + i;
        uint32_t sum[8] = {0};
        for (uint32_t j = 0; j < projection->n_pre; j++) {
            const uint8_t *row = image + j * row_bytes + i;
            const uint32_t x_j = (uint32_t)(int32_t)x[j];
#pragma GCC unroll 8
            for (uint32_t k = 0; k < 8u; k++) {
                sum[k] += x_j * row[k];
            }
        }
        for (uint32_t k = 0; k < 8u; k++) {
            uint32_t n = (k & 4u) + DASSDP_LANE(k);
            at[n] = (at[n] & kept) + (int32_t)(sum[k] - bias);
        }
    }
}
