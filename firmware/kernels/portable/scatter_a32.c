#include "kernels.h"

void dassdp_k_scatter_a32(void *acc, const int8_t *row, uint32_t n_columns, int32_t times,
                          const dassdp_conv_t *conv)
{
    (void)conv;
    int32_t *at = acc;
    for (const int8_t *end = row + n_columns; row != end; row += 4, at += 4) {
        at[0] += times * row[0];
        at[2] += times * row[1];
        at[1] += times * row[2];
        at[3] += times * row[3];
    }
}
