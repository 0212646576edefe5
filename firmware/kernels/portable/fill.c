#include "kernels.h"

void dassdp_k_fill(uint32_t *words, uint32_t n_words, uint32_t value)
{
    for (uint32_t i = 0; i < n_words; i++) {
        words[i] = value;
    }
}
