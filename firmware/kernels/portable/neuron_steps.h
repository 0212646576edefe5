/* A step of dynamics where neurons share their constants, four neurons a round; behind it what few
 * neurons do, which fire or fired before. Padding is processed, too, and its spikes are taken off.
 * Without leak and base most is done by a kernel. */
#ifndef DASSDP_NEURON_STEPS_H
#define DASSDP_NEURON_STEPS_H

#include <string.h>

#include "neuron_arithmetic.h"

#define ALONE static inline __attribute__((always_inline))
#define RARE(condition) (__builtin_expect((condition), 0) != 0)

enum leaks { STAYS, KEEPS, BY_FACTOR, BY_SHIFT }; /* STAYS: no leak and no base; KEEPS: no leak */

/* Constants of a step; half_i is what rounds the current, with v_bias 2^frac_bits. */
typedef struct {
    leak_t leak;
    leak_s31_t leak_i;
    scale_t scale;
    int32_t fire_at, reset_by, v_min, leak_q15, less, half_i;
    uint32_t leak_by, frac_bits;
} shared_t;

/* What a step of four neurons goes through. */
typedef struct {
    void *v;
    const void *acc, *base;
    int32_t *i;
    uint8_t *n_spikes;
} at_t;

ALONE int32_t load(const void *array, uint32_t bits, uint32_t i)
{
    return bits == 16u ? ((const int16_t *)array)[i] : ((const int32_t *)array)[i];
}

/* What a membrane is left with that fires again and again; how often it has. */
static __attribute__((noinline)) int32_t fire_more(const dassdp_population_t *p, int32_t v,
                                                   uint8_t *n_spikes)
{
    const uint32_t bits = p->v_is_wide != 0u ? 32 : 16;
    const int32_t fire_at = load(p->fire_at, bits, 0), reset_by = load(p->reset_by, bits, 0);
    uint32_t n = 1;
    for (; v >= fire_at && n < p->dynamics->max_spikes; n++) {
        v -= reset_by;
    }
    *n_spikes = (uint8_t)n;
    return v;
}

/* sum + leak(v) */
ALONE int32_t add_leak_v(int32_t sum, int32_t v, uint32_t v_bits, enum leaks leaks,
                         const shared_t *c)
{
    if (leaks == STAYS || leaks == KEEPS) {
        return v + sum;
    }
    if (leaks == BY_SHIFT) {
        return add_leak_by(sum, v, c->leak_by);
    }
    return v_bits == 16u ? add_leak_s16(sum, v, c->leak_q15, c->less) : add_leak(sum, v, c->leak);
}

/* Neuron k of the four; whether it fires. */
ALONE int step(uint32_t v_bits, uint32_t acc_bits, enum reset reset, int has_current,
               enum leaks leaks, const dassdp_population_t *p, const shared_t *c, const at_t *at,
               uint32_t k)
{
    const int looks_back = reset == SUBTRACT_DELAYED || reset == SUBTRACT_NOW
                           || reset == ZERO_DELAYED || reset == ZERO_DELAYED_ALL;
    const uint32_t fit_bits = v_bits == 16u ? 16 : 31;
    int32_t in = add_scaled(leaks == STAYS ? 0 : load(at->base, v_bits, k),
                            load(at->acc, acc_bits, k), acc_bits == 32u, c->scale);
    if (has_current) {
        in = fit(add_leak_s31(dassdp_lshift_s32(in, c->frac_bits), at->i[k], c->leak_i), 31);
        at->i[k] = in;
        in = (in + c->half_i) >> c->frac_bits;
    }
    int32_t v = load(at->v, v_bits, k);
    const int r = looks_back && RARE(v >= c->fire_at);
    if (r) {
        v = reset == ZERO_DELAYED ? 0 : v;
        in -= (reset == SUBTRACT_DELAYED || reset == SUBTRACT_NOW) ? c->reset_by : 0;
    }
    v = add_leak_v(in, v, v_bits, leaks, c);
    v = fit((reset == ZERO_DELAYED_ALL && r) ? 0 : v, fit_bits);
    const int s = RARE(v >= c->fire_at);
    if (s) {
        v -= reset == SUBTRACT_ONCE || reset == SUBTRACT_MANY ? c->reset_by : 0;
        if (reset == SUBTRACT_MANY) {
            at->n_spikes[k] = 1;
            v = RARE(v >= c->fire_at) ? fire_more(p, v, at->n_spikes + k) : v;
        }
        v = (reset == SUBTRACT_NOW && !r) ? fit(v - c->reset_by, fit_bits) : v;
        v = reset == ZERO_NOW ? 0 : v;
    } else if (reset == SUBTRACT_NOW && r) {
        v = fit(v + c->reset_by, fit_bits);
    }
    v = has_current ? v : at_least(v, c->v_min);
    if (v_bits == 16u) {
        ((uint16_t *)at->v)[k] = (uint16_t)v;
    } else {
        ((int32_t *)at->v)[k] = v;
    }
    return s;
}

/* The same n neurons further on; what is NULL stays. */
ALONE at_t from(at_t at, uint32_t v_bits, uint32_t acc_bits, enum reset reset, int has_current,
                enum leaks leaks, uint32_t n)
{
    at.v = (uint8_t *)at.v + n * (v_bits / 8u);
    at.acc = (const uint8_t *)at.acc + n * (acc_bits / 8u);
    at.base = leaks == STAYS ? at.base : (const uint8_t *)at.base + n * (v_bits / 8u);
    at.i = has_current ? at.i + n : at.i;
    at.n_spikes = reset == SUBTRACT_MANY ? at.n_spikes + n : at.n_spikes;
    return at;
}

ALONE void steps(uint32_t v_bits, uint32_t acc_bits, enum reset reset, int has_current,
                 enum leaks leaks, const dassdp_population_t *p, const shared_t *c,
                 const at_t *all, uint32_t *spk_bits)
{
    const uint32_t n_neurons = p->n_neurons;
#define STEP(k)                                                                                   \
    if (step(v_bits, acc_bits, reset, has_current, leaks, p, c, &at, k)) {                        \
        word |= (1u << (k)) << bit;                                                               \
    }
    for (uint32_t first = 0; first < n_neurons; first += 32u) {
        const uint32_t n = n_neurons - first < 32u ? n_neurons - first : 32u;
        uint32_t word = 0;
        at_t at = from(*all, v_bits, acc_bits, reset, has_current, leaks, first);
        for (uint32_t bit = 0; bit < n; bit += 4u) {
            if (reset == SUBTRACT_MANY) {
                *(uint32_t *)(void *)at.n_spikes = 0;
            }
            STEP(0)
            STEP(1)
            STEP(2)
            STEP(3)
            at = from(at, v_bits, acc_bits, reset, has_current, leaks, 4);
        }
        *spk_bits++ = word & (0xFFFFFFFFu >> (32u - n));
    }
#undef STEP
}

/* A step without leak and base: a kernel takes all fours but those of which one fires, or looks back to
 * where it did; sums that are shifted to the right stop it, too. */
ALONE void steps_stay(uint32_t v_bits, uint32_t acc_bits, enum reset reset,
                      const dassdp_population_t *p, const shared_t *c, const at_t *all,
                      uint32_t *spk_bits)
{
    dassdp_stay_fn *const stay = v_bits == 16u ? acc_bits == 16u ? dassdp_k_stay_v16_a16
                                                                 : dassdp_k_stay_v16_a32
                                 : acc_bits == 16u ? dassdp_k_stay_v32_a16
                                                   : dassdp_k_stay_v32_a32;
    const int looks_back = reset == SUBTRACT_DELAYED || reset == SUBTRACT_NOW
                           || reset == ZERO_DELAYED || reset == ZERO_DELAYED_ALL;
    const int32_t beyond = 1 << (v_bits == 16u ? 15 : 30);
    const uint32_t n_neurons = p->n_neurons, n_fours = (n_neurons + 3u) >> 2;
    dassdp_fours_t fours = {
        .acc = all->acc, .v = all->v, .acc_lshift = p->acc_lshift,
        .fire_at = acc_bits == 32u && c->scale.rshift != 0u ? INT32_MIN
                   : c->fire_at < beyond              ? c->fire_at
                                                      : beyond,
        .lowest = c->v_min < -beyond ? -beyond : c->v_min,
        .looks_back = looks_back ? 15u : 0u,
        .spk_bits = spk_bits - 1, .n_more = n_fours,
    };
    const uint32_t *end = spk_bits + (reset == SUBTRACT_MANY ? DASSDP_WORDS(n_neurons) : 0u);
    for (const uint32_t *fired = spk_bits; fired != end; fired++) {
        if (RARE(*fired != 0u)) {
            uint32_t *numbers = (uint32_t *)(void *)all->n_spikes + 8u * (uint32_t)(fired - spk_bits);
            for (uint32_t before = *fired; before != 0u; before >>= 4) {
                *numbers++ = 0;
            }
        }
    }
    for (stay(&fours); fours.n_left != 0u; stay(&fours)) {
        const uint32_t idx = n_fours - fours.n_more - fours.n_left, bit = 4u * (idx & 7u);
        const at_t at = {fours.v, fours.acc, 0, 0,
                         reset == SUBTRACT_MANY ? all->n_spikes + 4u * idx : 0};
        uint32_t word = 0;
#pragma GCC unroll 4
        for (uint32_t k = 0; k < 4u; k++) {
            if (step(v_bits, acc_bits, reset, 0, STAYS, p, c, &at, k)) {
                word |= (1u << k) << bit;
            }
        }
        *fours.spk_bits |= word;
        fours.acc = (const uint8_t *)fours.acc + acc_bits / 2u;
        fours.v = (uint8_t *)fours.v + v_bits / 2u;
        fours.before >>= 4;
        fours.n_left--;
    }
    spk_bits[(n_neurons - 1u) >> 5] &= 0xFFFFFFFFu >> ((0u - n_neurons) & 31u);
}

/* A step of a population that leaks so. */
ALONE void step_all(uint32_t v_bits, uint32_t acc_bits, enum reset reset, int has_current,
                    enum leaks leaks, const dassdp_population_t *p, void *v_mem,
                    uint32_t *spk_bits, const void *acc, const void *base, int32_t *i_mem,
                    uint8_t *n_spikes)
{
    const dassdp_dynamics_t *d = p->dynamics;
    const at_t all = {v_mem, acc, base, i_mem, n_spikes};
    const shared_t c = {
        .leak = leak_of(p->leak_q15[0]),
        .leak_i = leak_s31_of(has_current ? d->leak_i_q15[0] : 0),
        .fire_at = load(p->fire_at, v_bits, 0), .reset_by = load(p->reset_by, v_bits, 0),
        .v_min = d->v_min != 0 ? load(d->v_min, v_bits, 0) : INT32_MIN,
        .leak_q15 = p->leak_q15[0], .less = p->leak_shift != 0u,
        .scale = scale_of(p->acc_lshift, p->acc_rshift),
        .half_i = (int32_t)(1u << d->i_frac_bits >> 1)
                  + dassdp_lshift_s32(load(d->v_bias, v_bits, 0), d->i_frac_bits),
        .leak_by = leak_by(p->leak_shift), .frac_bits = d->i_frac_bits,
    };
    if (leaks == STAYS) {
        steps_stay(v_bits, acc_bits, reset, p, &c, &all, spk_bits);
    } else {
        steps(v_bits, acc_bits, reset, has_current, leaks, p, &c, &all, spk_bits);
    }
}

/* A function for each reset. */
#define DASSDP_EACH_RESET(define, ...)                                                            \
    define(__VA_ARGS__, none, NONE)                                                               \
    define(__VA_ARGS__, subtract_delayed, SUBTRACT_DELAYED)                                       \
    define(__VA_ARGS__, subtract_now, SUBTRACT_NOW)                                               \
    define(__VA_ARGS__, subtract_once, SUBTRACT_ONCE)                                             \
    define(__VA_ARGS__, subtract_many, SUBTRACT_MANY)                                             \
    define(__VA_ARGS__, zero_delayed, ZERO_DELAYED)                                               \
    define(__VA_ARGS__, zero_delayed_all, ZERO_DELAYED_ALL)                                       \
    define(__VA_ARGS__, zero_now, ZERO_NOW)

#define DASSDP_EACH_CONTAINER(define, kind)                                                       \
    DASSDP_EACH_RESET(define, kind, v16_a16, 16, 16)                                              \
    DASSDP_EACH_RESET(define, kind, v16_a32, 16, 32)                                              \
    DASSDP_EACH_RESET(define, kind, v32_a16, 32, 16)                                              \
    DASSDP_EACH_RESET(define, kind, v32_a32, 32, 32)

#define DASSDP_DYNAMICS(name)                                                                     \
    void name(const dassdp_population_t *p, void *v, uint32_t *spk_bits, const void *acc,         \
              const void *base, int32_t *i, uint8_t *n_spikes)

#endif
