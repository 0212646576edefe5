/* Eight neurons at a time, whose loop becomes vectors, where all share leak and threshold. */
#include "neuron.h"
#include "spikes.h"

#define DASSDP_NEURON_VECTORS(v_type, leak, fit, reset)                                           \
    const int32_t leak_0 = leak_q15[0];                                                           \
    const int32_t fire_at_0 = fire_at_q0[0];                                                      \
    const int32_t reset_by_0 = reset_by_q0[0];                                                    \
    const uint32_t n_eights = (leaks | fires) == 0u ? n_neurons & ~7u : 0u;                       \
    uint32_t word = 0;                                                                            \
    for (uint32_t first = 0; first < n_eights; first += 8u) {                                     \
        uint8_t fired[8];                                                                         \
        for (uint32_t k = 0; k < 8u; k++) {                                                       \
            uint32_t i = first + k;                                                               \
            DASSDP_NEURON_STEP(v_type, leak, fit, reset, leak_0, fire_at_0, reset_by_0)           \
            fired[k] = (uint8_t)s;                                                                \
        }                                                                                         \
        word = ((first & 31u) == 0u ? 0u : word) | dassdp_packed(fired, 8) << (first & 31u);      \
        spk_bits[first >> 5] = word;                                                              \
    }                                                                                             \
    for (uint32_t i = n_eights; i < n_neurons; i++) {                                             \
        DASSDP_NEURON_STEP(v_type, leak, fit, reset, leak_q15[i * leaks],                         \
                           fire_at_q0[i * fires], reset_by_q0[i * fires])                         \
        word = ((i & 31u) == 0u ? 0u : word) | (uint32_t)s << (i & 31u);                          \
        spk_bits[i >> 5] = word;                                                                  \
    }

DASSDP_ALL_NEURONS(DASSDP_NEURON_VECTORS)
