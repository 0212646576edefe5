#include <string.h>

#include "dassdp_quantities.h"
#include "dassdp_quantize.h"

static const double ONE_Q11 = (double)(1 << DASSDP_VALUE_FRAC_BITS);

static int is_finite(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (bits >> 23 & 0xFFu) != 0xFFu; /* whatever -ffast-math assumes */
}

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
        if (!is_finite(values[c])) {
            return DASSDP_E_VALUE;
        }
        counts[c] = nearest_i16(((double)values[c] - offset[c]) / scale[c]);
    }
    return DASSDP_OK;
}

int dassdp_targets_f32(const double *centre, const double *scale, uint32_t n_outputs,
                       const float *targets, int16_t *target_q11)
{
    for (uint32_t c = 0; c < n_outputs; c++) {
        double q11 = ((double)targets[c] - centre[c]) / scale[c] * ONE_Q11;
        if (!is_finite(targets[c]) || q11 < -32767.5 || q11 >= 32767.5) {
            return DASSDP_E_VALUE;
        }
        target_q11[c] = nearest_i16(q11);
    }
    return DASSDP_OK;
}

int dassdp_outputs_f32(const dassdp_model_t *model, const void *state, const double *centre,
                       const double *scale, uint32_t n_outputs, float *values)
{
    int status = DASSDP_OK;
    for (uint32_t c = 0; c < n_outputs && status == DASSDP_OK; c++) {
        int32_t value_q11 = 0;
        status = dassdp_value(model, state, c, &value_q11);
        values[c] = (float)(centre[c] + scale[c] * ((double)value_q11 / ONE_Q11));
    }
    return status;
}
