/* Eight neurons at a time, whose loop becomes vectors, where all share leak and threshold. */
#include "neuron.h"
#include "spikes.h"

/* Neurons first + from to first + from + n - 1; their spikes as bytes. */
#define DASSDP_FIRE(n, v_type, leak, fit, reset, q15, fire_at, reset_by)                          \
    for (uint32_t k = 0; k < (n); k++) {                                                          \
        uint32_t i = first + from + k;                                                            \
        DASSDP_NEURON_STEP(v_type, leak, fit, reset, q15, fire_at, reset_by)                      \
        fired[from + k] = (uint8_t)s;                                                             \
    }

#define DASSDP_NEURON_VECTORS(v_type, leak, fit, reset)                                           \
    const int32_t leak_0 = leak_q15[0];                                                           \
    const int32_t fire_at_0 = fire_at_q0[0];                                                      \
    const int32_t reset_by_0 = reset_by_q0[0];                                                    \
    for (uint32_t first = 0; first < n_neurons; first += 32u) {                                   \
        const uint32_t n = n_neurons - first < 32u ? n_neurons - first : 32u;                     \
        uint8_t fired[32] = {0};                                                                  \
        uint32_t from = 0;                                                                        \
        for (; (leaks | fires) == 0u && from + 8u <= n; from += 8u) {                             \
            DASSDP_FIRE(8u, v_type, leak, fit, reset, leak_0, fire_at_0, reset_by_0)              \
        }                                                                                         \
        DASSDP_FIRE(n - from, v_type, leak, fit, reset, leak_q15[i * leaks],                      \
                    fire_at_q0[i * fires], reset_by_q0[i * fires])                                \
        spk_bits[first >> 5] = dassdp_packed(fired, 32);                                          \
    }

DASSDP_ALL_NEURONS(DASSDP_NEURON_VECTORS)
