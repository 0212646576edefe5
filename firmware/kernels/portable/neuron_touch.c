/* A word of bits fills from above: every neuron shifts it down by one. */
#include "kernels.h"

/* Bit 31: |v - reset_by| < width. */
static inline uint32_t touches_v16(int32_t v, int32_t reset_by, int32_t width)
{
    int32_t distance = v - reset_by;
    int32_t sign = distance >> 31;
    return (uint32_t)(((distance ^ sign) - sign) - width) & 0x80000000u;
}

/* The same where v - reset_by may leave int32: v lies above low = reset_by - width, and less than
 * 2 width above it. */
static inline uint32_t touches_v32(int32_t v, int32_t reset_by, int32_t width)
{
    int32_t low = reset_by - width;
    uint32_t above = (uint32_t)v - (uint32_t)low;
    return (uint32_t)((v > low) & (above < 2u * (uint32_t)width)) << 31;
}

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

DASSDP_TOUCH(dassdp_k_touch_v16, int16_t, touches_v16)
DASSDP_TOUCH(dassdp_k_touch_v32, int32_t, touches_v32)
