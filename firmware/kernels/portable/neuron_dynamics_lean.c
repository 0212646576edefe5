/* The general kernels: what the lean ones of a core must equal bit for bit; without base a loop for all. */
#include "neuron_steps.h"

static void step_stays(uint32_t v_bits, uint32_t acc_bits, enum reset reset,
                       const dassdp_population_t *p, void *v, uint32_t *spk_bits, const void *acc,
                       uint8_t *n_spikes)
{
    step_all(v_bits, acc_bits, reset, 0, STAYS, p, v, spk_bits, acc, 0, 0, n_spikes);
}

#define DASSDP_LEAN(kind, container, v_bits, acc_bits, suffix, reset)                             \
    DASSDP_DYNAMICS(dassdp_k_dynamics_##kind##_##container##_##suffix)                            \
    {                                                                                             \
        if (base == 0) {                                                                          \
            step_stays(v_bits, acc_bits, reset, p, v, spk_bits, acc, n_spikes);                   \
        } else {                                                                                  \
            dassdp_k_dynamics_##container##_##suffix(p, v, spk_bits, acc, base, i, n_spikes);     \
        }                                                                                         \
    }

DASSDP_EACH_CONTAINER(DASSDP_LEAN, lean)
DASSDP_EACH_CONTAINER(DASSDP_LEAN, current)
