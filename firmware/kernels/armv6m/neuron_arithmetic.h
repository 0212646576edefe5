/* What the lean kernels of dynamics compute with on ARMv6-M, where the bit below that a shift leaves in
 * C rounds. */
#ifndef DASSDP_NEURON_ARITHMETIC_H
#define DASSDP_NEURON_ARITHMETIC_H

#include "neuron.h"
#include "neuron_leak.h"

/* sum + round(x leak_q15 / 2^15), x = high 2^15 + low */
static inline int32_t add_leak(int32_t sum, int32_t x, leak_t leak)
{
    int32_t high;
    __asm__(".syntax unified\n\t"
            "asrs %2, %1, #15\n\t"
            "muls %2, %3\n\t"
            "lsls %1, %1, #17\n\t"
            "lsrs %1, %1, #17\n\t"
            "muls %1, %3\n\t"
            "lsrs %1, %1, #15\n\t"
            "adcs %0, %1\n\t"
            "adds %0, %0, %2"
            : "+l"(sum), "+l"(x), "=&l"(high)
            : "l"(leak.q15)
            : "cc");
    return sum;
}

/* sum + round((x leak_q15 - less) / 2^15), of an int16 */
static inline int32_t add_leak_s16(int32_t sum, int32_t x, int32_t leak_q15, int32_t less)
{
    __asm__(".syntax unified\n\t"
            "muls %1, %2\n\t"
            "subs %1, %1, %3\n\t"
            "asrs %1, %1, #15\n\t"
            "adcs %0, %1"
            : "+l"(sum), "+l"(x)
            : "l"(leak_q15), "l"(less)
            : "cc");
    return sum;
}

/* sum + x - round(x / 2^shift), halves up. */
static inline int32_t add_leak_by(int32_t sum, int32_t x, uint32_t shift)
{
    int32_t less;
    __asm__(".syntax unified\n\t"
            "mvns %1, %2\n\t"
            "asrs %1, %3\n\t"
            "adcs %0, %1\n\t"
            "adds %0, %0, %2"
            : "+l"(sum), "=&l"(less)
            : "l"(x), "l"(shift)
            : "cc");
    return sum;
}

/* What sums are scaled by: int32 ones may be shifted to the right. */
typedef struct {
    uint32_t lshift, rshift;
} scale_t;

static inline scale_t scale_of(uint32_t lshift, uint32_t rshift)
{
    return (scale_t){lshift, rshift};
}

/* base + round(acc 2^lshift / 2^rshift); is_wide: an int32 sum. A shift by 0 leaves C clear. */
static inline int32_t add_scaled(int32_t base, int32_t acc, uint32_t is_wide, scale_t scale)
{
    acc = (int32_t)((uint32_t)acc << scale.lshift);
    if (is_wide == 0u) {
        return base + acc;
    }
    __asm__(".syntax unified\n\t"
            "adds %0, %0, #0\n\t"
            "asrs %0, %2\n\t"
            "adcs %0, %1"
            : "+l"(acc)
            : "l"(base), "l"(scale.rshift)
            : "cc");
    return acc;
}

/* x, or the nearest that `bits` bits hold, a constant: rarely another. */
static inline __attribute__((always_inline)) int32_t fit(int32_t x, uint32_t bits)
{
    const uint32_t up = 32u - bits;
    const int fits = bits == 31u ? (int32_t)((uint32_t)x ^ (uint32_t)x << 1) >= 0
                                 : (int32_t)((uint32_t)x << up) >> up == x;
    return __builtin_expect(fits, 1) ? x : (x >> 31) ^ (int32_t)((1u << (bits - 1u)) - 1u);
}

/* The larger one: rarely least. */
static inline int32_t at_least(int32_t x, int32_t least)
{
    return __builtin_expect(x < least, 0) ? least : x;
}

#endif
