#include "neuron_touch.h"

/* Bit 31: |v - reset_by| < width, where v - reset_by may leave int32: v lies above low = reset_by - width,
 * and less than 2 width above it. */
static inline uint32_t touches_v32(int32_t v, int32_t reset_by, int32_t width)
{
    int32_t low = reset_by - width;
    uint32_t above = (uint32_t)v - (uint32_t)low;
    return (uint32_t)((v > low) & (above < 2u * (uint32_t)width)) << 31;
}

DASSDP_TOUCH(dassdp_k_touch_v32, int32_t, touches_v32)
