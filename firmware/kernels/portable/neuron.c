#include "neuron.h"

#define DASSDP_NEURON_WORDS(v_type, leak, fit, reset)                                             \
    for (uint32_t first = 0; first < n_neurons; first += 32u) {                                   \
        uint32_t n = n_neurons - first < 32u ? n_neurons - first : 32u;                           \
        uint32_t word = 0;                                                                        \
        for (uint32_t bit = 0; bit < n; bit++) {                                                  \
            uint32_t i = first + bit;                                                             \
            DASSDP_NEURON_STEP(v_type, leak, fit, reset, leak_q15[i * leaks],                     \
                               fire_at_q0[i * fires], reset_by_q0[i * fires])                     \
            word |= (uint32_t)s << bit;                                                           \
        }                                                                                         \
        spk_bits[first >> 5] = word;                                                              \
    }

DASSDP_ALL_NEURONS(DASSDP_NEURON_WORDS)
