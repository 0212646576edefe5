#include "neuron_touch.h"

/* Bit 31: |v - reset_by| < width. */
static inline uint32_t touches_v16(int32_t v, int32_t reset_by, int32_t width)
{
    int32_t distance = v - reset_by;
    int32_t sign = distance >> 31;
    return (uint32_t)(((distance ^ sign) - sign) - width) & 0x80000000u;
}

DASSDP_TOUCH(dassdp_k_touch_v16, int16_t, touches_v16)
