/* The kernels of dynamics where neurons share their constants, of a core: a loop of its own for each
 * way to leak. */
#include "neuron_steps.h"

#define STEP_ALL(has_current, leaks)                                                              \
    step_all(v_bits, acc_bits, reset, has_current, leaks, p, v, spk_bits, acc, base, i, n_spikes)

#define DASSDP_LEAN(kind, container, v_width, acc_width, suffix, kind_of_reset)                   \
    DASSDP_DYNAMICS(dassdp_k_dynamics_##kind##_##container##_##suffix)                            \
    {                                                                                             \
        const uint32_t v_bits = v_width, acc_bits = acc_width;                                    \
        const enum reset reset = kind_of_reset;                                                   \
        if (base == 0) {                                                                          \
            STEP_ALL(0, STAYS);                                                                   \
        } else if (v_bits == 32u && p->leak_shift != 0u) {                                        \
            STEP_ALL(0, BY_SHIFT);                                                                \
        } else if (p->leak_q15[0] == 1u << 15) {                                                  \
            STEP_ALL(0, KEEPS);                                                                   \
        } else {                                                                                  \
            STEP_ALL(0, BY_FACTOR);                                                               \
        }                                                                                         \
    }

#define DASSDP_CURRENT(kind, container, v_width, acc_width, suffix, kind_of_reset)                \
    DASSDP_DYNAMICS(dassdp_k_dynamics_##kind##_##container##_##suffix)                            \
    {                                                                                             \
        const uint32_t v_bits = v_width, acc_bits = acc_width;                                    \
        const enum reset reset = kind_of_reset;                                                   \
        if (v_bits == 32u && p->leak_shift != 0u) {                                               \
            STEP_ALL(1, BY_SHIFT);                                                                \
        } else {                                                                                  \
            STEP_ALL(1, BY_FACTOR);                                                               \
        }                                                                                         \
    }

DASSDP_EACH_CONTAINER(DASSDP_LEAN, lean)
DASSDP_EACH_CONTAINER(DASSDP_CURRENT, current)
