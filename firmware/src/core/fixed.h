/* The one rounding rule, saturation, and narrowing that the checked build verifies. */
#ifndef DASSDP_FIXED_H
#define DASSDP_FIXED_H

#include <stdint.h>

#ifdef DASSDP_CHECKED
void dassdp_overflow(const char *file, int line); /* of the host: remembers the first one */
#define DASSDP_PROVEN(condition) ((condition) ? (void)0 : dassdp_overflow(__FILE__, __LINE__))
#else
#define DASSDP_PROVEN(condition) ((void)0)
#endif

enum { DASSDP_ONE_Q14 = 1 << 14, DASSDP_ONE_Q12 = 1 << 12 };

/* floor(x / 2^n + 1/2), n below 32; x + 2^(n-1) must fit. */
static inline int32_t dassdp_round_s32(int32_t x, uint32_t n)
{
    return (x + (int32_t)((1u << n) >> 1)) >> n;
}

static inline int32_t dassdp_clip_s32(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : (x > high ? high : x);
}

/* x, or the nearest int16. */
static inline int16_t dassdp_saturate_s16(int32_t x)
{
    return (int16_t)dassdp_clip_s32(x, INT16_MIN, INT16_MAX);
}

/* x where the plan has proven that it fits. */
static inline int16_t dassdp_narrow_s16(int32_t x)
{
    DASSDP_PROVEN(x >= INT16_MIN && x <= INT16_MAX);
    return (int16_t)x;
}

static inline int32_t dassdp_narrow_s32(int64_t x)
{
    DASSDP_PROVEN(x >= INT32_MIN && x <= INT32_MAX);
    return (int32_t)x;
}

/* x 2^n for signed x; the product must fit. */
static inline int32_t dassdp_lshift_s32(int32_t x, uint32_t n)
{
    DASSDP_PROVEN((int64_t)x * ((int64_t)1 << n) == (int64_t)(int32_t)((uint32_t)x << n));
    return (int32_t)((uint32_t)x << n);
}

/* floor(num / den + 1/2), den > 0; 2 |num| + den must fit. */
static inline int64_t dassdp_div_round_s64(int64_t num, int64_t den)
{
    int64_t twice = 2 * num + den;
    int64_t quotient = twice / (2 * den);
    return quotient - ((twice % (2 * den)) < 0 ? 1 : 0);
}

/* The same in int32: |num| + den / 2 must fit. */
static inline int32_t dassdp_div_round_s32(int32_t num, int32_t den)
{
    int32_t half_up = num + (den >> 1);
    int32_t quotient = half_up / den;
    return quotient - (half_up - quotient * den < 0 ? 1 : 0);
}

/* floor(sqrt(x)) */
static inline uint32_t dassdp_isqrt_u32(uint32_t x)
{
    uint32_t root = 0;
    for (uint32_t bit = 1u << 15; bit != 0u; bit >>= 1) {
        root |= (root | bit) * (root | bit) <= x ? bit : 0u;
    }
    return root;
}

/* xorshift32 (Marsaglia 2003, 13 17 5); the state is never 0. */
static inline uint32_t dassdp_random(uint32_t *rng)
{
    uint32_t x = *rng;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *rng = x;
    return x;
}

#endif
