#include "kernels.h"

void dassdp_k_scatter_plain_a32(void *acc, const int8_t *row, const dassdp_patch_t *patch,
                                int32_t times)
{
    const uint32_t tap_columns = patch->tap_columns;
    const uint32_t place = patch->place_bytes / sizeof(int32_t);
    int32_t *at = acc;
    for (uint32_t n = patch->n_rows; n != 0u; n--) {
        const int8_t *end = row + patch->n_columns;
        if (tap_columns == 1u) {
            for (; row != end; at += place) {
                at[0] += times * *row++;
            }
        } else {
            for (; row != end; at += place) {
                for (uint32_t i = 0; i < tap_columns; i++) {
                    at[i] += times * *row++;
                }
            }
        }
        row += patch->image_step;
        at += patch->acc_step / sizeof *at;
    }
}
