/* Neurons with a synaptic current, a bias past it, several spikes a step or a floor; kernels.h has the
 * order of operations. */
#include "neuron.h"

/* Synaptic currents, and int32 membranes: what a step adds still fits. */
static inline int32_t fit_v31(int32_t v)
{
    return dassdp_clip_s32(v, -(1 << 30), (1 << 30) - 1);
}

#define DASSDP_INTO_CURRENT(in, i)                                                                \
    if (i_mem != 0) {                                                                             \
        i_mem[i] = fit_v31(leak_v32(i_mem[i], leak_i_q15[(i) * d->leak_i_stride])                 \
                           + dassdp_lshift_s32(in, frac_bits));                                   \
        in = dassdp_round_s32(i_mem[i], frac_bits);                                               \
    }

#define DASSDP_RICH_STEP(v_type, leak, fit, reset)                                                \
    const int32_t fire_at = fire_at_q0[i * fires];                                                \
    const int32_t reset_by = reset_by_q0[i * fires];                                              \
    int32_t in = dassdp_round_s32(dassdp_lshift_s32(acc_q0[i], lshift), rshift) + base_q0[i];     \
    int32_t v = v_q0[i];                                                                          \
    const int32_t looks_back = (reset) != NONE && (reset) != ZERO_NOW && (reset) != SUBTRACT_ONCE \
                               && (reset) != SUBTRACT_MANY;                                       \
    const int32_t r = looks_back && v >= fire_at;                                                 \
    DASSDP_INTO_CURRENT(in, i)                                                                    \
    in += v_bias_q0[i * d->v_bias_stride];                                                        \
    v = ((reset) == ZERO_DELAYED && r != 0) ? 0 : v;                                              \
    v = leak_shift != 0u ? v - dassdp_round_s32(v, leak_shift) : leak(v, leak_q15[i * leaks]);    \
    v += in;                                                                                      \
    v = ((reset) == ZERO_DELAYED_ALL && r != 0) ? 0 : v;                                          \
    if (((reset) == SUBTRACT_DELAYED || (reset) == SUBTRACT_NOW) && r != 0) {                     \
        v -= reset_by;                                                                            \
    }                                                                                             \
    v = fit(v);                                                                                   \
    int32_t s = v >= fire_at;                                                                     \
    if ((reset) == SUBTRACT_ONCE) {                                                               \
        v -= s != 0 ? reset_by : 0;                                                               \
    }                                                                                             \
    if ((reset) == SUBTRACT_MANY) {                                                               \
        int32_t fired = 0;                                                                        \
        for (; v >= fire_at && fired < d->max_spikes; fired++) {                                  \
            v -= reset_by;                                                                        \
        }                                                                                         \
        n_spikes[i] = (uint8_t)fired;                                                             \
    }                                                                                             \
    if ((reset) == SUBTRACT_NOW) {                                                                \
        v = fit(v - (s - r) * reset_by);                                                          \
    }                                                                                             \
    v = ((reset) == ZERO_NOW && s != 0) ? 0 : v;                                                  \
    if (v_min_q0 != 0 && v < v_min_q0[i * d->v_min_stride]) {                                     \
        v = v_min_q0[i * d->v_min_stride];                                                        \
    }                                                                                             \
    v_q0[i] = (v_type)v;

#define DASSDP_RICH(name, v_type, acc_type, leak, fit, reset)                                     \
    void name(const dassdp_population_t *p, void *v_mem, uint32_t *spk_bits, const void *acc,     \
              const void *base, int32_t *i_mem, uint8_t *n_spikes)                                \
    {                                                                                             \
        const dassdp_dynamics_t *d = p->dynamics;                                                 \
        v_type *v_q0 = v_mem;                                                                     \
        const acc_type *acc_q0 = acc;                                                             \
        const v_type *base_q0 = base;                                                             \
        const v_type *fire_at_q0 = p->fire_at;                                                    \
        const v_type *reset_by_q0 = p->reset_by;                                                  \
        const v_type *v_bias_q0 = d->v_bias;                                                      \
        const v_type *v_min_q0 = d->v_min;                                                        \
        const uint16_t *leak_q15 = p->leak_q15;                                                   \
        const uint16_t *leak_i_q15 = d->leak_i_q15;                                               \
        const uint32_t leak_shift = p->leak_shift;                                                \
        const uint32_t lshift = p->acc_lshift;                                                    \
        const uint32_t rshift = p->acc_rshift;                                                    \
        const uint32_t frac_bits = d->i_frac_bits;                                                \
        const uint32_t leaks = p->leak_stride;                                                    \
        const uint32_t fires = p->fire_stride;                                                    \
        const uint32_t n_neurons = p->n_neurons;                                                  \
        (void)n_spikes;                                                                           \
        for (uint32_t first = 0; first < n_neurons; first += 32u) {                               \
            uint32_t n = n_neurons - first < 32u ? n_neurons - first : 32u;                       \
            uint32_t word = 0;                                                                    \
            for (uint32_t bit = 0; bit < n; bit++) {                                              \
                uint32_t i = first + bit;                                                         \
                DASSDP_RICH_STEP(v_type, leak, fit, reset)                                        \
                word |= (uint32_t)s << bit;                                                       \
            }                                                                                     \
            spk_bits[first >> 5] = word;                                                          \
        }                                                                                         \
    }

#define DASSDP_RICHES(container, v_type, acc_type, leak, fit)                                     \
    DASSDP_RICH(dassdp_k_dynamics_##container##_none, v_type, acc_type, leak, fit, NONE)          \
    DASSDP_RICH(dassdp_k_dynamics_##container##_subtract_delayed, v_type, acc_type, leak, fit,    \
                SUBTRACT_DELAYED)                                                                 \
    DASSDP_RICH(dassdp_k_dynamics_##container##_subtract_now, v_type, acc_type, leak, fit,        \
                SUBTRACT_NOW)                                                                     \
    DASSDP_RICH(dassdp_k_dynamics_##container##_subtract_once, v_type, acc_type, leak, fit,       \
                SUBTRACT_ONCE)                                                                    \
    DASSDP_RICH(dassdp_k_dynamics_##container##_subtract_many, v_type, acc_type, leak, fit,       \
                SUBTRACT_MANY)                                                                    \
    DASSDP_RICH(dassdp_k_dynamics_##container##_zero_delayed, v_type, acc_type, leak, fit,        \
                ZERO_DELAYED)                                                                     \
    DASSDP_RICH(dassdp_k_dynamics_##container##_zero_delayed_all, v_type, acc_type, leak, fit,    \
                ZERO_DELAYED_ALL)                                                                 \
    DASSDP_RICH(dassdp_k_dynamics_##container##_zero_now, v_type, acc_type, leak, fit, ZERO_NOW)

DASSDP_RICHES(v16_a16, int16_t, int16_t, leak_v16, fit_v16)
DASSDP_RICHES(v16_a32, int16_t, int32_t, leak_v16, fit_v16)
DASSDP_RICHES(v32_a16, int32_t, int16_t, leak_v32, fit_v31)
DASSDP_RICHES(v32_a32, int32_t, int32_t, leak_v32, fit_v31)
