#include <string.h>

#include "dassdp_quantize.h"

/* floor(v + 1/2), limited. */
static int16_t nearest_i16(double v)
{
    v += 0.5;
    if (v >= 32767.0) {
        return INT16_MAX;
    }
    if (v <= -32768.0) {
        return INT16_MIN;
    }
    int32_t below = (int32_t)v;
    return (int16_t)(below - ((double)below > v ? 1 : 0));
}

int dassdp_counts_f32(const double *scale, const double *offset, uint32_t n_channels,
                      const float *values, int16_t *counts)
{
    for (uint32_t c = 0; c < n_channels; c++) {
        uint32_t bits;
        memcpy(&bits, values + c, sizeof bits);
        if ((bits >> 23 & 0xFFu) == 0xFFu) {
            return DASSDP_E_VALUE;
        }
        counts[c] = nearest_i16(((double)values[c] - offset[c]) / scale[c]);
    }
    return DASSDP_OK;
}
