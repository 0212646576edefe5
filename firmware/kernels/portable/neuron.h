/* One time step of a leaky integrate-and-fire neuron.
 *   in = round(acc 2^acc_lshift / 2^acc_rshift) + base
 *   leak(v) = round(v leak_q15 / 2^15), or v - round(v / 2^leak_shift)
 *   none              v = leak(v) + in                             s = [v >= fire_at]
 *   subtract_delayed  v = leak(v) + in - r reset_by                r = [v >= fire_at] before
 *   subtract_now      the same, then v -= (s - r) reset_by
 *   zero_delayed      v = leak((1 - r) v) + in
 *   zero_now          v = leak(v) + in, then v = 0 where s         (r is always 0)
 * int16 membranes saturate; int32 membranes are proven not to overflow. */
#ifndef DASSDP_NEURON_H
#define DASSDP_NEURON_H

#include "fixed.h"
#include "kernels.h"

enum reset {
    NONE,
    SUBTRACT_DELAYED,
    SUBTRACT_NOW,
    ZERO_DELAYED,
    ZERO_NOW,
    SUBTRACT_ONCE, /* these three of kernels.h's dynamics alone */
    SUBTRACT_MANY,
    ZERO_DELAYED_ALL
};

static inline int32_t leak_v16(int32_t v, int32_t leak_q15)
{
    return dassdp_round_s32(v * leak_q15, 15);
}

/* v = high 2^15 + low, 0 <= low < 2^15: the same rounding without a 64-bit product. */
static inline int32_t leak_v32(int32_t v, int32_t leak_q15)
{
    return (v >> 15) * leak_q15 + dassdp_round_s32((v & 32767) * leak_q15, 15);
}

static inline int32_t fit_v16(int32_t v)
{
    return dassdp_clip_s32(v, INT16_MIN, INT16_MAX);
}

static inline int32_t fit_v32(int32_t v)
{
    return v;
}

/* Neuron i of a function that DASSDP_NEURON begins: its new membrane is stored, s is its spike. */
#define DASSDP_NEURON_STEP(v_type, leak, fit, reset, q15, fire_at, reset_by)                      \
    int32_t v = v_q0[i];                                                                          \
    int32_t r = ((reset) == NONE || (reset) == ZERO_NOW) ? 0 : (v >= (fire_at));                  \
    v = ((reset) == ZERO_DELAYED && r != 0) ? 0 : v;                                              \
    v = leak_shift != 0u ? v - dassdp_round_s32(v, leak_shift) : leak(v, q15);                    \
    v += dassdp_round_s32(dassdp_lshift_s32(acc_q0[i], lshift), rshift) + base_q0[i];             \
    if ((reset) == SUBTRACT_DELAYED || (reset) == SUBTRACT_NOW) {                                 \
        v -= r != 0 ? (reset_by) : 0;                                                             \
    }                                                                                             \
    v = fit(v);                                                                                   \
    int32_t s = v >= (fire_at);                                                                   \
    if ((reset) == SUBTRACT_NOW) {                                                                \
        v = fit(v - (s - r) * (reset_by));                                                        \
    }                                                                                             \
    v = ((reset) == ZERO_NOW && s != 0) ? 0 : v;                                                  \
    v_q0[i] = (v_type)v;

/* One function per container and reset, so that only those a model uses are linked. words(v_type,
 * leak, fit, reset) goes through the neurons. */
#define DASSDP_NEURON(name, v_type, acc_type, leak, fit, reset, words)                            \
    void name(const dassdp_population_t *p, void *v_mem, uint32_t *spk_bits, const void *acc,     \
              const void *base)                                                                   \
    {                                                                                             \
        v_type *restrict v_q0 = v_mem;                                                            \
        const acc_type *restrict acc_q0 = acc;                                                    \
        const v_type *restrict base_q0 = base;                                                    \
        const v_type *fire_at_q0 = p->fire_at;                                                    \
        const v_type *reset_by_q0 = p->reset_by;                                                  \
        const uint16_t *leak_q15 = p->leak_q15;                                                   \
        const uint32_t leak_shift = p->leak_shift;                                                \
        const uint32_t lshift = p->acc_lshift;                                                    \
        const uint32_t rshift = p->acc_rshift;                                                    \
        const uint32_t leaks = p->leak_stride;                                                    \
        const uint32_t fires = p->fire_stride;                                                    \
        const uint32_t n_neurons = p->n_neurons;                                                  \
        words(v_type, leak, fit, reset)                                                           \
    }

#define DASSDP_NEURONS(container, v_type, acc_type, leak, fit, words)                             \
    DASSDP_NEURON(dassdp_k_neuron_##container##_none, v_type, acc_type, leak, fit, NONE, words)   \
    DASSDP_NEURON(dassdp_k_neuron_##container##_subtract_delayed, v_type, acc_type, leak, fit,    \
                  SUBTRACT_DELAYED, words)                                                        \
    DASSDP_NEURON(dassdp_k_neuron_##container##_subtract_now, v_type, acc_type, leak, fit,        \
                  SUBTRACT_NOW, words)                                                            \
    DASSDP_NEURON(dassdp_k_neuron_##container##_zero_delayed, v_type, acc_type, leak, fit,        \
                  ZERO_DELAYED, words)                                                            \
    DASSDP_NEURON(dassdp_k_neuron_##container##_zero_now, v_type, acc_type, leak, fit, ZERO_NOW,  \
                  words)

#define DASSDP_ALL_NEURONS(words)                                                                 \
    DASSDP_NEURONS(v16_a16, int16_t, int16_t, leak_v16, fit_v16, words)                           \
    DASSDP_NEURONS(v16_a32, int16_t, int32_t, leak_v16, fit_v16, words)                           \
    DASSDP_NEURONS(v32_a16, int32_t, int16_t, leak_v32, fit_v32, words)                           \
    DASSDP_NEURONS(v32_a32, int32_t, int32_t, leak_v32, fit_v32, words)

#endif
