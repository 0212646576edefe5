/* What the lean kernels of dynamics compute with, where a core has nothing better. */
#ifndef DASSDP_NEURON_ARITHMETIC_H
#define DASSDP_NEURON_ARITHMETIC_H

#include "neuron.h"
#include "neuron_leak.h"

/* sum + round(x leak_q15 / 2^15) */
static inline int32_t add_leak(int32_t sum, int32_t x, leak_t leak)
{
    return leak_v32(x, leak.q15) + sum;
}

/* sum + round((x leak_q15 - less) / 2^15), of an int16 */
static inline int32_t add_leak_s16(int32_t sum, int32_t x, int32_t leak_q15, int32_t less)
{
    return ((x * leak_q15 + (DASSDP_ONE_Q14 - less)) >> 15) + sum;
}

/* sum + x - round(x / 2^shift), halves up. */
static inline int32_t add_leak_by(int32_t sum, int32_t x, uint32_t shift)
{
    return x + ((~x + (int32_t)(1u << shift >> 1)) >> shift) + sum;
}

/* What sums are scaled by: int32 ones may be shifted to the right. */
typedef struct {
    int32_t factor, half;
    uint32_t rshift;
} scale_t;

static inline scale_t scale_of(uint32_t lshift, uint32_t rshift)
{
    return (scale_t){(int32_t)(1u << lshift), (int32_t)(1u << rshift >> 1), rshift};
}

/* base + round(acc factor / 2^rshift); is_wide: an int32 sum. */
static inline int32_t add_scaled(int32_t base, int32_t acc, uint32_t is_wide, scale_t scale)
{
    return base + (is_wide != 0u ? (acc * scale.factor + scale.half) >> scale.rshift
                                 : acc * scale.factor);
}

/* x, or the nearest that `bits` bits hold: rarely another. */
static inline int32_t fit(int32_t x, uint32_t bits)
{
    const uint32_t half = 1u << (bits - 1u);
    return __builtin_expect(((uint32_t)x + half) >> bits != 0u, 0)
               ? (x >> 31) ^ (int32_t)(half - 1u)
               : x;
}

/* The larger one. */
static inline int32_t at_least(int32_t x, int32_t least)
{
    return x < least ? least : x;
}

#endif
