/* Flags of neurons, one byte each, as bits. */
#ifndef DASSDP_SPIKES_H
#define DASSDP_SPIKES_H

#include <stdint.h>
#include <string.h>

/* fired[i] is 0 or 1; n is a multiple of 8, at most 32. Byte i of eight moves to bit 56 + i: of the
 * shifts 56 - 7 j that the product sums, no two meet. */
static inline __attribute__((always_inline)) uint32_t dassdp_packed(const uint8_t *fired,
                                                                    uint32_t n)
{
    uint32_t word = 0;
    for (uint32_t i = 0; i < n; i += 8u) {
        uint64_t eight;
        memcpy(&eight, fired + i, sizeof eight);
        word |= (uint32_t)((eight * 0x0102040810204080u) >> 56) << i;
    }
    return word;
}

#endif
