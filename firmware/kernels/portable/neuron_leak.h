/* Leaks as they are, where a core has no form of its own for them. */
#ifndef DASSDP_NEURON_LEAK_H
#define DASSDP_NEURON_LEAK_H

#include <stdint.h>

/* A leak of int32 numbers by a factor. */
typedef struct {
    int32_t q15;
} leak_t;

static inline leak_t leak_of(uint32_t leak_q15)
{
    return (leak_t){(int32_t)leak_q15};
}

static inline int32_t add_leak(int32_t sum, int32_t x, leak_t leak);

/* Of numbers of 31 bits. */
typedef leak_t leak_s31_t;

static inline leak_s31_t leak_s31_of(uint32_t leak_q15)
{
    return leak_of(leak_q15);
}

static inline int32_t add_leak_s31(int32_t sum, int32_t x, leak_s31_t leak)
{
    return add_leak(sum, x, leak);
}

/* Of a leak by a shift, which is not 0. */
static inline uint32_t leak_by(uint32_t shift)
{
    return shift;
}

#endif
