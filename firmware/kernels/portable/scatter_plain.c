#include "fixed.h"
#include "kernels.h"

void dassdp_k_scatter_plain_a16(void *acc, const int8_t *row, uint32_t n_columns, int32_t times,
                                const dassdp_conv_t *conv)
{
    const uint32_t tap_columns = conv->tap_columns;
    int16_t *at = acc;
    for (const int8_t *end = row + n_columns; row != end; at += conv->out_channels) {
        for (uint32_t i = 0; i < tap_columns; i++) {
            at[i] = dassdp_narrow_s16(at[i] + times * *row++);
        }
    }
}

void dassdp_k_scatter_plain_a32(void *acc, const int8_t *row, uint32_t n_columns, int32_t times,
                                const dassdp_conv_t *conv)
{
    const uint32_t tap_columns = conv->tap_columns;
    int32_t *at = acc;
    for (const int8_t *end = row + n_columns; row != end; at += conv->out_channels) {
        for (uint32_t i = 0; i < tap_columns; i++) {
            at[i] += times * *row++;
        }
    }
}
