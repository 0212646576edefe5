#include "kernels.h"

void dassdp_k_scatter_s16(void *acc, const int8_t *row, const dassdp_patch_t *patch,
                          int32_t times)
{
    const uint32_t tap_columns = patch->tap_columns;
    int32_t *at = acc;
    const int16_t *w = (const int16_t *)(const void *)row;
    for (uint32_t n = patch->n_rows; n != 0u; n--) {
        for (const int16_t *end = w + patch->n_columns; w != end;
             at += patch->place_bytes / sizeof *at) {
            for (uint32_t i = 0; i < tap_columns; i++) {
                at[i] += times * *w++;
            }
        }
        w += patch->image_step / sizeof *w;
        at += patch->acc_step / sizeof *at;
    }
}
