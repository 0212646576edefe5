/* One time step of leaky integrate-and-fire neurons.
 *   in = round(acc 2^acc_lshift / 2^acc_rshift) + base
 *   leak(v) = round(v leak_q15 / 2^15), or v - round(v / 2^leak_shift)
 *   none              v = leak(v) + in                             s = [v >= fire_at]
 *   subtract_delayed  v = leak(v) + in - r reset_by                r = [v >= fire_at] before
 *   subtract_now      the same, then v -= (s - r) reset_by
 *   zero_delayed      v = leak((1 - r) v) + in
 *   zero_now          v = leak(v) + in, then v = 0 where s         (r is always 0)
 * int16 membranes saturate; int32 membranes are proven not to overflow. */
#include "fixed.h"
#include "kernels.h"

enum reset { NONE, SUBTRACT_DELAYED, SUBTRACT_NOW, ZERO_DELAYED, ZERO_NOW };

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

/* 1: a loop of its own where all neurons share leak and threshold. It vectorizes, but takes flash,
 * so only builds for a core with vectors ask for it. */
#ifndef DASSDP_SPLIT_SHARED
#define DASSDP_SPLIT_SHARED 0
#endif

/* Up to 32 neurons and their spikes. `q15`, `fire_at`, `reset_by`: of neuron i. */
#define DASSDP_NEURON_WORD(v_type, leak, fit, reset, q15, fire_at, reset_by)                      \
    for (uint32_t bit = 0; bit < n; bit++) {                                                      \
        uint32_t i = first + bit;                                                                 \
        int32_t v = v_q0[i];                                                                      \
        int32_t r = ((reset) == NONE || (reset) == ZERO_NOW) ? 0 : (v >= (fire_at));              \
        v = ((reset) == ZERO_DELAYED && r != 0) ? 0 : v;                                          \
        v = leak_shift != 0u ? v - dassdp_round_s32(v, leak_shift) : leak(v, q15);                \
        v += dassdp_round_s32(dassdp_lshift_s32(acc_q0[i], lshift), rshift) + base_q0[i];         \
        if ((reset) == SUBTRACT_DELAYED || (reset) == SUBTRACT_NOW) {                             \
            v -= r != 0 ? (reset_by) : 0;                                                         \
        }                                                                                         \
        v = fit(v);                                                                               \
        int32_t s = v >= (fire_at);                                                               \
        if ((reset) == SUBTRACT_NOW) {                                                            \
            v = fit(v - (s - r) * (reset_by));                                                    \
        }                                                                                         \
        v = ((reset) == ZERO_NOW && s != 0) ? 0 : v;                                              \
        v_q0[i] = (v_type)v;                                                                      \
        word |= (uint32_t)s << bit;                                                               \
    }

/* One function per container and reset, so that only those a model uses are linked. */
#define DASSDP_NEURON(name, v_type, acc_type, leak, fit, reset)                                   \
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
        const int32_t leak_0 = leak_q15[0];                                                       \
        const int32_t fire_at_0 = fire_at_q0[0];                                                  \
        const int32_t reset_by_0 = reset_by_q0[0];                                                \
        const uint32_t n_neurons = p->n_neurons;                                                  \
        for (uint32_t first = 0; first < n_neurons; first += 32u) {                               \
            uint32_t n = n_neurons - first < 32u ? n_neurons - first : 32u;                       \
            uint32_t word = 0;                                                                    \
            if (DASSDP_SPLIT_SHARED && (leaks | fires) == 0u) {                                   \
                DASSDP_NEURON_WORD(v_type, leak, fit, reset, leak_0, fire_at_0, reset_by_0)       \
            } else {                                                                              \
                DASSDP_NEURON_WORD(v_type, leak, fit, reset, leak_q15[i * leaks],                 \
                                   fire_at_q0[i * fires], reset_by_q0[i * fires])                 \
            }                                                                                     \
            spk_bits[first >> 5] = word;                                                          \
        }                                                                                         \
    }

#define DASSDP_NEURONS(container, v_type, acc_type, leak, fit)                                    \
    DASSDP_NEURON(dassdp_k_neuron_##container##_none, v_type, acc_type, leak, fit, NONE)          \
    DASSDP_NEURON(dassdp_k_neuron_##container##_subtract_delayed, v_type, acc_type, leak, fit,    \
                  SUBTRACT_DELAYED)                                                               \
    DASSDP_NEURON(dassdp_k_neuron_##container##_subtract_now, v_type, acc_type, leak, fit,        \
                  SUBTRACT_NOW)                                                                   \
    DASSDP_NEURON(dassdp_k_neuron_##container##_zero_delayed, v_type, acc_type, leak, fit,        \
                  ZERO_DELAYED)                                                                   \
    DASSDP_NEURON(dassdp_k_neuron_##container##_zero_now, v_type, acc_type, leak, fit, ZERO_NOW)

DASSDP_NEURONS(v16_a16, int16_t, int16_t, leak_v16, fit_v16)
DASSDP_NEURONS(v16_a32, int16_t, int32_t, leak_v16, fit_v16)
DASSDP_NEURONS(v32_a16, int32_t, int16_t, leak_v32, fit_v32)
DASSDP_NEURONS(v32_a32, int32_t, int32_t, leak_v32, fit_v32)
