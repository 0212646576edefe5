#include "fixed.h"
#include "kernels.h"

const uint32_t dassdp_k_scatter_a16_zero = 0;

void dassdp_k_scatter_a16(void *acc, const int8_t *row, const dassdp_patch_t *patch, int32_t times)
{
    int16_t *at = acc;
    for (uint32_t n = patch->n_rows; n != 0u; n--) {
        for (const int8_t *end = row + patch->n_columns; row != end; row += 4, at += 4) {
            at[0] = dassdp_narrow_s16(at[0] + times * row[0]);
            at[2] = dassdp_narrow_s16(at[2] + times * row[1]);
            at[1] = dassdp_narrow_s16(at[1] + times * row[2]);
            at[3] = dassdp_narrow_s16(at[3] + times * row[3]);
        }
        row += patch->image_step;
        at += patch->acc_step / sizeof *at;
    }
}
