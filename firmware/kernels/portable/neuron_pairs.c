/* The general kernel: what the SIMD kernels of a core must equal bit for bit. */
#include "kernels.h"

#define DASSDP_NEURON_PAIRS(kind, reset)                                                          \
    void dassdp_k_neuron_##kind##_##reset(const dassdp_population_t *population, void *v_mem,     \
                                          uint32_t *spk_bits, const void *acc, const void *base)  \
    {                                                                                             \
        dassdp_k_neuron_v16_a16_##reset(population, v_mem, spk_bits, acc, base);                  \
    }

#define DASSDP_ALL_NEURON_PAIRS(kind)                                                             \
    DASSDP_NEURON_PAIRS(kind, none)                                                               \
    DASSDP_NEURON_PAIRS(kind, subtract_delayed)                                                   \
    DASSDP_NEURON_PAIRS(kind, subtract_now)                                                       \
    DASSDP_NEURON_PAIRS(kind, zero_delayed)                                                       \
    DASSDP_NEURON_PAIRS(kind, zero_now)

DASSDP_ALL_NEURON_PAIRS(pairs)
DASSDP_ALL_NEURON_PAIRS(pairs_shift)
