#include "kernels.h"

void dassdp_k_scatter_s16(void *acc, const int8_t *row, uint32_t n_columns, int32_t times,
                          const dassdp_conv_t *conv)
{
    const uint32_t tap_columns = conv->tap_columns;
    const int16_t *w = (const int16_t *)(const void *)row;
    int32_t *at = acc;
    for (const int16_t *end = w + n_columns; w != end; at += conv->out_channels) {
        for (uint32_t i = 0; i < tap_columns; i++) {
            at[i] += times * *w++;
        }
    }
}
