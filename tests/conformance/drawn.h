/* Random arguments of kernels. */
#ifndef DRAWN_H
#define DRAWN_H

#include <string.h>

#include "fixed.h"
#include "kernels.h"

enum { ROUNDS = 120, CANARY = 16 };

static uint32_t rng;

static inline uint32_t below(uint32_t n) { return dassdp_random(&rng) % n; }

/* Mostly of the middle, sometimes an end. */
static inline int32_t within(int32_t low, int32_t high)
{
    uint32_t kind = below(16);
    return kind == 0u ? low : kind == 1u ? high
                                         : low + (int32_t)below((uint32_t)(high - low) + 1u);
}

#endif
