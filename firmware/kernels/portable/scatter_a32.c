#include "kernels.h"

void dassdp_k_scatter_a32(void *acc, const int8_t *row, const dassdp_patch_t *patch, int32_t times)
{
    int32_t *at = acc;
    for (uint32_t n = patch->n_rows; n != 0u; n--) {
        for (const int8_t *end = row + patch->n_columns; row != end; row += 4, at += 4) {
            at[0] += times * row[0];
            at[2] += times * row[1];
            at[1] += times * row[2];
            at[3] += times * row[3];
        }
        row += patch->image_step;
        at += patch->acc_step / sizeof *at;
    }
}
