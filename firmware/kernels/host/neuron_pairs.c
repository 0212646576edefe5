/* Neurons in int16 lanes: loops of a fixed number of neurons, which become vectors. The sum of
 * three terms saturates once because v >= fire_at >= 1 leaves leak(v) - reset_by in range. */
#include "neuron.h"
#include "spikes.h"

static inline int16_t add_s16(int16_t a, int16_t b)
{
    return (int16_t)(uint16_t)((uint16_t)a + (uint16_t)b);
}

/* clip(a + b) */
static inline int16_t add_sat_s16(int16_t a, int16_t b)
{
    int16_t sum = add_s16(a, b);
    int16_t limit = (int16_t)((a >> 15) ^ INT16_MAX);
    return (int16_t)((a ^ sum) & (b ^ sum)) < 0 ? limit : sum;
}

/* n neurons, 8 or 32; their spikes. A leak by a shift rounds a half down. */
static inline __attribute__((always_inline)) uint32_t
step_neurons(enum reset reset, int is_shift, uint32_t n, int16_t leak_q15, int16_t fire_at,
             int16_t reset_by, uint32_t lshift, int16_t *restrict v_q0, const int16_t *restrict acc,
             const int16_t *restrict base)
{
    uint8_t fired[32];
    for (uint32_t i = 0; i < n; i++) {
        int16_t v = v_q0[i];
        int16_t r = v >= fire_at ? -1 : 0;
        if (reset == ZERO_DELAYED) {
            v = (int16_t)(v & ~r);
        }
        v = is_shift != 0 ? (int16_t)-((((v * -leak_q15) >> 14) + 1) >> 1)
                          : (int16_t)((((v * leak_q15) >> 14) + 1) >> 1);
        if (reset == SUBTRACT_DELAYED || reset == SUBTRACT_NOW) {
            v = add_s16(v, (int16_t)(r & (int16_t)-reset_by));
        }
        uint32_t in = ((uint32_t)acc[i] << lshift) + (uint32_t)base[i];
        v = add_sat_s16(v, (int16_t)(uint16_t)in);
        int16_t s = v >= fire_at ? -1 : 0;
        if (reset == SUBTRACT_NOW) {
            v = add_sat_s16(v, (int16_t)((s & (int16_t)-reset_by) + (r & reset_by)));
        }
        if (reset == ZERO_NOW) {
            v = (int16_t)(v & ~s);
        }
        v_q0[i] = v;
        fired[i] = s & 1;
    }
    return dassdp_packed(fired, n);
}

static inline __attribute__((always_inline)) void
step_population(enum reset reset, int is_shift, const dassdp_population_t *population, int16_t *v_q0,
                uint32_t *spk_bits, const int16_t *acc, const int16_t *base)
{
    const int16_t leak_q15 = (int16_t)population->leak_q15[0];
    const int16_t fire_at = *(const int16_t *)population->fire_at;
    const int16_t reset_by = *(const int16_t *)population->reset_by;
    const uint32_t lshift = population->acc_lshift;
    const uint32_t n_neurons = population->n_neurons;
    uint32_t i = 0;
    for (; i + 32u <= n_neurons; i += 32u) {
        spk_bits[i >> 5] = step_neurons(reset, is_shift, 32, leak_q15, fire_at, reset_by, lshift,
                                        v_q0 + i, acc + i, base + i);
    }
    uint32_t word = 0;
    for (; i < n_neurons; i += 8u) {
        word |= step_neurons(reset, is_shift, 8, leak_q15, fire_at, reset_by, lshift, v_q0 + i,
                             acc + i, base + i) << (i & 31u);
        spk_bits[i >> 5] = word;
    }
}

#define DASSDP_NEURON_PAIRS(kind, is_shift, reset_name, reset)                                    \
    void dassdp_k_neuron_##kind##_##reset_name(const dassdp_population_t *population,             \
                                               void *v_mem, uint32_t *spk_bits, const void *acc,  \
                                               const void *base)                                  \
    {                                                                                             \
        step_population(reset, is_shift, population, v_mem, spk_bits, acc, base);                 \
    }

#define DASSDP_ALL_NEURON_PAIRS(kind, is_shift)                                                   \
    DASSDP_NEURON_PAIRS(kind, is_shift, none, NONE)                                               \
    DASSDP_NEURON_PAIRS(kind, is_shift, subtract_delayed, SUBTRACT_DELAYED)                       \
    DASSDP_NEURON_PAIRS(kind, is_shift, subtract_now, SUBTRACT_NOW)                               \
    DASSDP_NEURON_PAIRS(kind, is_shift, zero_delayed, ZERO_DELAYED)                               \
    DASSDP_NEURON_PAIRS(kind, is_shift, zero_now, ZERO_NOW)

DASSDP_ALL_NEURON_PAIRS(pairs, 0)
DASSDP_ALL_NEURON_PAIRS(pairs_shift, 1)
