/* What the lean kernels of dynamics compute with, where a core has nothing better. */
#ifndef DASSDP_NEURON_ARITHMETIC_H
#define DASSDP_NEURON_ARITHMETIC_H

#include "neuron.h"

/* A leak of int32 numbers by a factor. */
typedef struct {
    int32_t q15;
} leak_t;

static inline leak_t leak_of(uint32_t leak_q15)
{
    return (leak_t){(int32_t)leak_q15};
}

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
