#include "kernels.h"

uint32_t dassdp_k_active(const uint32_t *spk_bits, uint32_t n_neurons, uint16_t *active)
{
    uint32_t n_active = 0;
    for (uint32_t base = 0; base < n_neurons; base += 32u) {
        uint32_t word = spk_bits[base >> 5];
        while (word != 0u) {
            active[n_active++] = (uint16_t)(base + (uint32_t)__builtin_ctz(word));
            word &= word - 1u;
        }
    }
    return n_active;
}
