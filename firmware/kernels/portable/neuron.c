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

static inline int32_t leak_v16(const dassdp_population_t *p, uint32_t i, int32_t v)
{
    return p->leak_shift != 0u ? v - dassdp_round_s32(v, p->leak_shift)
                               : dassdp_round_s32(v * p->leak_q15[i * p->leak_stride], 15);
}

static inline int32_t leak_v32(const dassdp_population_t *p, uint32_t i, int32_t v)
{
    return p->leak_shift != 0u
               ? v - dassdp_round_s32(v, p->leak_shift)
               : (int32_t)(((int64_t)v * p->leak_q15[i * p->leak_stride] + 16384) >> 15);
}

static inline int32_t fit_v16(int32_t v)
{
    return dassdp_clip_s32(v, INT16_MIN, INT16_MAX);
}

static inline int32_t fit_v32(int32_t v)
{
    return v;
}

/* One function per container and reset, so that only those a model uses are linked. */
#define DASSDP_NEURON(name, v_type, acc_type, leak, fit, reset)                                   \
    void name(const dassdp_population_t *p, void *v_mem, uint32_t *spk_bits, const void *acc,     \
              const void *base)                                                                   \
    {                                                                                             \
        v_type *v_q0 = v_mem;                                                                     \
        const acc_type *acc_q0 = acc;                                                             \
        const v_type *base_q0 = base;                                                             \
        const v_type *fire_at_q0 = p->fire_at;                                                    \
        const v_type *reset_by_q0 = p->reset_by;                                                  \
        for (uint32_t first = 0; first < p->n_neurons; first += 32u) {                            \
            uint32_t n = p->n_neurons - first < 32u ? p->n_neurons - first : 32u;                 \
            uint32_t word = 0;                                                                    \
            for (uint32_t bit = 0; bit < n; bit++) {                                              \
                uint32_t i = first + bit;                                                         \
                int32_t fire_at = fire_at_q0[i * p->fire_stride];                                 \
                int32_t reset_by = reset_by_q0[i * p->fire_stride];                               \
                int32_t v = v_q0[i];                                                              \
                int32_t r = ((reset) == NONE || (reset) == ZERO_NOW) ? 0 : (v >= fire_at);        \
                if ((reset) == ZERO_DELAYED && r != 0) {                                          \
                    v = 0;                                                                        \
                }                                                                                 \
                v = leak(p, i, v)                                                                 \
                    + dassdp_round_s32(dassdp_lshift_s32(acc_q0[i], p->acc_lshift), p->acc_rshift)\
                    + base_q0[i];                                                                 \
                if ((reset) == SUBTRACT_DELAYED || (reset) == SUBTRACT_NOW) {                     \
                    v -= r != 0 ? reset_by : 0;                                                   \
                }                                                                                 \
                v = fit(v);                                                                       \
                int32_t s = v >= fire_at;                                                         \
                if ((reset) == SUBTRACT_NOW) {                                                    \
                    v = fit(v - (s - r) * reset_by);                                              \
                }                                                                                 \
                if ((reset) == ZERO_NOW && s != 0) {                                              \
                    v = 0;                                                                        \
                }                                                                                 \
                v_q0[i] = (v_type)v;                                                              \
                word |= (uint32_t)s << bit;                                                       \
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
