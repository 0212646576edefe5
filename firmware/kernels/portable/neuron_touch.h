/* A word of bits fills from above: every neuron shifts it down by one. */
#ifndef DASSDP_NEURON_TOUCH_H
#define DASSDP_NEURON_TOUCH_H

#include "kernels.h"

/* touches: bit 31 of a neuron that does. */
#define DASSDP_TOUCH(name, v_type, touches)                                                       \
    void name(const dassdp_population_t *population, const void *v_mem, uint32_t *touch_bits)     \
    {                                                                                             \
        const v_type *v = v_mem;                                                                  \
        const v_type *reset_by = population->reset_by;                                            \
        const v_type *width = population->touch_width;                                            \
        const uint32_t stride = population->fire_stride;                                          \
        for (uint32_t n_left = population->n_neurons; n_left != 0u;) {                            \
            uint32_t n = n_left < 32u ? n_left : 32u;                                             \
            uint32_t word = 0;                                                                    \
            for (const v_type *end = v + n; v != end; v++) {                                      \
                word = (word >> 1) | touches(*v, *reset_by, *width);                              \
                reset_by += stride;                                                               \
                width += stride;                                                                  \
            }                                                                                     \
            *touch_bits++ = word >> (32u - n);                                                    \
            n_left -= n;                                                                          \
        }                                                                                         \
    }

#endif
