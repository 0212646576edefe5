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

/* The same of numbers of 31 bits, twice of which times -leak_q15 2^16 is subtracted. */
typedef struct {
    int32_t minus_q31;
} leak_s31_t;

static inline leak_s31_t leak_s31_of(uint32_t leak_q15)
{
    return (leak_s31_t){(int32_t)(0u - (leak_q15 << 16))};
}

static inline int32_t add_leak_s31(int32_t sum, int32_t x, leak_s31_t leak)
{
    x *= 2;
#ifdef __ARM_FEATURE_DSP
    __asm__("smmlsr %0, %1, %2, %0" : "+r"(sum) : "r"(x), "r"(leak.minus_q31));
#else
    int32_t high;
    uint32_t low;
    __asm__("smull %0, %1, %2, %3" : "=&r"(low), "=&r"(high) : "r"(x), "r"(leak.minus_q31));
    __asm__("rsbs %1, %1, #0x80000000\n\tsbc %0, %0, %2" : "+r"(sum), "+r"(low) : "r"(high) : "cc");
#endif
    return sum;
}

/* Of a leak by a shift, which is not 0: -2^(32 - shift) for SMMLSR, or the shift. */
static inline uint32_t leak_by(uint32_t shift)
{
#ifdef __ARM_FEATURE_DSP
    return 0xFFFFFFFEu << (31u - shift);
#else
    return shift;
#endif
}

/* sum + x - round(x / 2^shift), halves up: of the complement they are rounded up. */
static inline int32_t add_leak_by(int32_t sum, int32_t x, uint32_t by)
{
    int32_t less = ~x;
#ifdef __ARM_FEATURE_DSP
    __asm__("smmlsr %0, %1, %2, %0" : "+r"(sum) : "r"(less), "r"(by));
#else
    __asm__("asrs %1, %1, %2\n\tadc %0, %0, %1" : "+r"(sum), "+r"(less) : "r"(by) : "cc");
#endif
    return sum + x;
}

/* What sums are scaled by: int32 ones may be shifted to the right. */
typedef struct {
    int32_t factor, half;
    uint32_t rshift;
} scale_t;

/* The compiler is not told that the factor is a power of two: MLA multiplies and adds. */
static inline scale_t scale_of(uint32_t lshift, uint32_t rshift)
{
    scale_t scale = {(int32_t)(1u << lshift), (int32_t)(1u << rshift >> 1), rshift};
    __asm__("" : "+r"(scale.factor));
    return scale;
}

/* base + round(acc factor / 2^rshift); is_wide: an int32 sum. */
static inline int32_t add_scaled(int32_t base, int32_t acc, uint32_t is_wide, scale_t scale)
{
    return is_wide != 0u ? base + ((acc * scale.factor + scale.half) >> scale.rshift)
                         : base + acc * scale.factor;
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
