/* What the lean kernels of dynamics compute with: SSAT, and SMMLAR where a core has it. */
#ifndef DASSDP_NEURON_ARITHMETIC_H
#define DASSDP_NEURON_ARITHMETIC_H

#include "neuron.h"

/* A leak of int32 numbers by a factor. */
typedef struct {
    int32_t q32;   /* leak_q15, or leak_q15 - 2^15 from 2^14 on */
    int32_t whole; /* 1 then, else 0 */
} leak_t;

static inline leak_t leak_of(uint32_t leak_q15)
{
    return (leak_t){(int32_t)(leak_q15 << 17), (int32_t)((leak_q15 + 0x4000u) >> 15)};
}

/* sum + round(x leak_q15 / 2^15) */
static inline int32_t add_leak(int32_t sum, int32_t x, leak_t leak)
{
    sum += x * leak.whole;
#ifdef __ARM_FEATURE_DSP
    __asm__("smmlar %0, %1, %2, %0" : "+r"(sum) : "r"(x), "r"(leak.q32));
    return sum;
#else
    int32_t high;
    uint32_t low;
    __asm__("smull %0, %1, %2, %3" : "=&r"(low), "=&r"(high) : "r"(x), "r"(leak.q32));
    __asm__("lsls %1, %1, #1\n\tadc %0, %0, %2" : "+r"(sum), "+r"(low) : "r"(high) : "cc");
    return sum;
#endif
}

/* sum + round((x leak_q15 - less) / 2^15), of an int16 */
static inline int32_t add_leak_s16(int32_t sum, int32_t x, int32_t leak_q15, int32_t less)
{
    return ((x * leak_q15 + (DASSDP_ONE_Q14 - less)) >> 15) + sum;
}

/* x, or the nearest that `bits` bits hold, a constant. */
static inline __attribute__((always_inline)) int32_t fit(int32_t x, uint32_t bits)
{
    __asm__("ssat %0, %1, %0" : "+r"(x) : "I"(bits));
    return x;
}

/* The larger one. */
static inline int32_t at_least(int32_t x, int32_t least)
{
    return x < least ? least : x;
}

#endif
