#include "fixed.h"
#include "kernels.h"

void dassdp_k_learn_rows_s16(const dassdp_projection_t *projection, const dassdp_row_t *rows,
                             uint32_t n_rows, const int16_t *dw_q8, uint32_t *rng, void *image)
{
    (void)rng;
    for (uint32_t a = 0; a < n_rows; a++) {
        int16_t *row = (int16_t *)(void *)(uintptr_t)dassdp_row(image, rows[a]);
        for (uint32_t i = 0; i < projection->row_bytes >> 1; i++) {
            row[i] = (int16_t)dassdp_clip_s32(row[i] + dw_q8[i], INT16_MIN, INT16_MAX);
        }
    }
}
