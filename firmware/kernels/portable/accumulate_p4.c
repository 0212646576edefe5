/* Of a word of eight columns low nibbles are the first four of them, high ones the others; both stand
 * in the order of bytes. Nibbles are biased by 8. */
#include "fixed.h"
#include "kernels.h"

void dassdp_k_accumulate_p4(const dassdp_projection_t *projection, void *acc,
                            const dassdp_row_t *rows, uint32_t n_rows, uint32_t adds,
                            const void *image)
{
    const uint32_t bias = n_rows << 3;
    const uint32_t row_bytes = projection->row_bytes;
    const int32_t kept = -(int32_t)adds;
    for (uint32_t i = 0; i < row_bytes; i += 4u) {
        int16_t *at = (int16_t *)acc + 2u * i;
        uint32_t sum[8] = {0};
        for (uint32_t a = 0; a < n_rows; a++) {
            const uint8_t *restrict row = dassdp_row(image, rows[a]) + i;
            for (uint32_t k = 0; k < 4u; k++) {
                sum[k] += row[k] & 15u;
                sum[k + 4u] += (uint32_t)row[k] >> 4;
            }
        }
        for (uint32_t k = 0; k < 8u; k++) {
            uint32_t n = (k & 4u) + DASSDP_LANE(k);
            at[n] = dassdp_narrow_s16((at[n] & kept) + (int32_t)(sum[k] - bias));
        }
    }
}
