/* The general kernel: what the SIMD kernels of a core must equal bit for bit. */
#include "kernels.h"

#define DASSDP_NEURON_PAIRS(reset)                                                                \
    void dassdp_k_neuron_pairs_##reset(const dassdp_population_t *population, void *v_mem,        \
                                       uint32_t *spk_bits, const void *acc, const void *base)     \
    {                                                                                             \
        dassdp_k_neuron_v16_a16_##reset(population, v_mem, spk_bits, acc, base);                  \
    }

DASSDP_NEURON_PAIRS(none)
DASSDP_NEURON_PAIRS(subtract_delayed)
DASSDP_NEURON_PAIRS(subtract_now)
DASSDP_NEURON_PAIRS(zero_delayed)
DASSDP_NEURON_PAIRS(zero_now)
