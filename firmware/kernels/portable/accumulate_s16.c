#include "kernels.h"

void dassdp_k_accumulate_s16(const dassdp_projection_t *projection, void *acc,
                             const dassdp_row_t *rows, uint32_t n_rows, uint32_t adds,
                             const void *image)
{
    int32_t *acc_q8 = acc;
    const int32_t kept = -(int32_t)adds;
    const uint32_t n_columns = projection->row_bytes >> 1;
    for (uint32_t i = 0; i < n_columns; i++) {
        acc_q8[i] &= kept;
    }
    for (uint32_t a = 0; a < n_rows; a++) {
        const int16_t *row = (const int16_t *)(const void *)dassdp_row(image, rows[a]);
        for (uint32_t i = 0; i < n_columns; i++) {
            acc_q8[i] += row[i];
        }
    }
}
