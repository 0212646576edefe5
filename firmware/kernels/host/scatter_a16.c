/* Bytes of a vector into the order of their columns, then one addition of half-words. */
#include "columns.h"
#include "kernels.h"

enum { BYTES = 16 };
typedef DASSDP_VECTOR_OF(int8_t, BYTES) bytes_t;

const uint32_t dassdp_k_scatter_a16_zero = 0;

static void add_row(int16_t *at, const int8_t *row, uint32_t n_columns, int32_t times)
{
    uint32_t i = 0;
    for (; i + BYTES <= n_columns; i += BYTES) {
        bytes_t w;
        memcpy(&w, row + i, BYTES);
        w = DASSDP_SHUFFLE(bytes_t, w, w, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
        for (uint32_t k = 0; k < BYTES; k++) {
            at[i + k] = (int16_t)(at[i + k] + times * w[k]);
        }
    }
    for (; i < n_columns; i++) {
        at[i] = (int16_t)(at[i] + times * row[(i & ~3u) + DASSDP_LANE(i)]);
    }
}

void dassdp_k_scatter_a16(void *acc, const int8_t *row, const dassdp_patch_t *patch, int32_t times)
{
    int16_t *at = acc;
    for (uint32_t n = patch->n_rows; n != 0u; n--) {
        add_row(at, row, patch->n_columns, times);
        row += patch->n_columns + patch->image_step;
        at += patch->n_columns + patch->acc_step / sizeof *at;
    }
}
