/* edge_dassdp: values as an application has them, in the order of the training samples, into the bytes of
 * a sample. <name>.h calls this with the inputs of its model; the bits are those of the Python side. */
#ifndef DASSDP_QUANTIZE_H
#define DASSDP_QUANTIZE_H

#include "dassdp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    DASSDP_QUANTIZER_CODES = 0,  /* int8: clip(floor(v 2^frac_bits + 1/2) - zero, -127, 127) */
    DASSDP_QUANTIZER_SPIKES = 1, /* packed, each value 0 or 1 */
    DASSDP_QUANTIZER_EVENTS = 2  /* a list of addresses, each value a number of spikes */
};

/* One input of a sample. */
typedef struct {
    uint8_t kind;             /* DASSDP_QUANTIZER_* */
    uint8_t stride;           /* 0: one step for all values of a frame, 1: one each */
    uint8_t most;             /* spikes: the largest value */
    uint32_t n_frames;
    uint32_t n_channels;      /* of a frame: values come channel by channel, the sample holds place by */
    uint32_t n_places;        /* place, its channels side by side */
    uint32_t n_events;        /* of a list, at most */
    uint32_t x_off;           /* of its bytes in a sample */
    uint32_t x_bytes;
    const int8_t *frac_bits;  /* in the order of the sample */
    const int32_t *zero;
} dassdp_quantizer_t;

/* One value: floor(v 2^frac_bits + 1/2) into *scaled, at most 2^62; *is_whole: v is an integer.
 * DASSDP_OK, or DASSDP_E_VALUE where v is not finite. */
typedef int dassdp_value_fn(const void *values, uint32_t idx, int32_t frac_bits, int64_t *scaled,
                            int *is_whole);

/* A whole sample: DASSDP_OK, or DASSDP_E_VALUE for a value that is not finite, a spike that is no
 * 0 or 1 (or no number of spikes), or more events than a list holds; x then is half written. */
int dassdp_quantize(const dassdp_quantizer_t *inputs, uint32_t n_inputs, dassdp_value_fn *value,
                    const void *values, int8_t *x);

int dassdp_value_i16(const void *values, uint32_t idx, int32_t frac_bits, int64_t *scaled,
                     int *is_whole);
int dassdp_value_i32(const void *values, uint32_t idx, int32_t frac_bits, int64_t *scaled,
                     int *is_whole);
/* In a file of its own, as is what follows: no float code is linked where neither is called. */
int dassdp_value_f32(const void *values, uint32_t idx, int32_t frac_bits, int64_t *scaled,
                     int *is_whole);

/* The counts of a sensor nearest to physical values, limited to int16: floor((v - offset) / scale +
 * 1/2) in double precision. DASSDP_E_VALUE where one is not finite. */
int dassdp_counts_f32(const double *scale, const double *offset, uint32_t n_channels,
                      const float *values, int16_t *counts);

/* Targets of outputs that are values, float, in Q11 of their scale, as dassdp_set_target takes them:
 * floor((target - centre) / scale 2^11 + 1/2) in double precision. DASSDP_E_VALUE for one that is not
 * finite, or 16 scales or more from its centre; target_q11 then is half written. */
int dassdp_targets_f32(const double *centre, const double *scale, uint32_t n_outputs,
                       const float *targets, int16_t *target_q11);

/* What the outputs are, of the sample that just ended: centre + scale value_q11 / 2^11. As
 * dassdp_value refuses it; values then are half written. */
int dassdp_outputs_f32(const dassdp_model_t *model, const void *state, const double *centre,
                       const double *scale, uint32_t n_outputs, float *values);

#ifdef __cplusplus
}
#endif

#endif
