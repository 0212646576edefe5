/* The general kernels: what the lean ones of a core must equal bit for bit. */
#include "kernels.h"

#define DASSDP_NEURON_LEAN(kind, container, reset)                                                \
    void dassdp_k_neuron_##kind##_##container##_##reset(const dassdp_population_t *population,    \
                                                        void *v_mem, uint32_t *spk_bits,          \
                                                        const void *acc, const void *base)        \
    {                                                                                             \
        dassdp_k_neuron_##container##_##reset(population, v_mem, spk_bits, acc, base);            \
    }

#define DASSDP_NEURONS_LEAN(kind, container)                                                      \
    DASSDP_NEURON_LEAN(kind, container, none)                                                     \
    DASSDP_NEURON_LEAN(kind, container, subtract_delayed)                                         \
    DASSDP_NEURON_LEAN(kind, container, subtract_now)                                             \
    DASSDP_NEURON_LEAN(kind, container, zero_delayed)                                             \
    DASSDP_NEURON_LEAN(kind, container, zero_now)

#define DASSDP_ALL_NEURONS_LEAN(kind)                                                             \
    DASSDP_NEURONS_LEAN(kind, v16_a16)                                                            \
    DASSDP_NEURONS_LEAN(kind, v16_a32)                                                            \
    DASSDP_NEURONS_LEAN(kind, v32_a16)                                                            \
    DASSDP_NEURONS_LEAN(kind, v32_a32)

DASSDP_ALL_NEURONS_LEAN(lean)
DASSDP_ALL_NEURONS_LEAN(lean_shift)
