/* Views into the state and its packed fields. */
#ifndef DASSDP_STATE_H
#define DASSDP_STATE_H

#include "dassdp.h"

static inline void *dassdp_at(void *state, uint32_t offset)
{
    return (uint8_t *)state + offset;
}

static inline const void *dassdp_at_const(const void *state, uint32_t offset)
{
    return (const uint8_t *)state + offset;
}

static inline const void *dassdp_image(const dassdp_projection_t *projection, const void *state)
{
    return projection->image_off < 0 ? projection->factory
                                     : dassdp_at_const(state, (uint32_t)projection->image_off);
}

static inline dassdp_learning_t *dassdp_learning(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->learning_off);
}

/* Entry idx of an array of `bits`-bit fields (1 to 8), little end first, without gaps. */
static inline uint32_t dassdp_field_get(const uint8_t *fields, uint32_t idx, uint32_t bits)
{
    uint32_t bit = idx * bits;
    const uint8_t *at = fields + (bit >> 3);
    uint32_t value = (uint32_t)at[0] >> (bit & 7u);
    if ((bit & 7u) + bits > 8u) {
        value |= (uint32_t)at[1] << (8u - (bit & 7u));
    }
    return value & ((1u << bits) - 1u);
}

static inline void dassdp_field_put(uint8_t *fields, uint32_t idx, uint32_t bits, uint32_t value)
{
    uint32_t bit = idx * bits;
    uint32_t shift = bit & 7u;
    uint8_t *at = fields + (bit >> 3);
    uint32_t mask = ((1u << bits) - 1u) << shift;
    uint32_t placed = value << shift;
    at[0] = (uint8_t)((at[0] & ~mask) | (placed & mask));
    if (shift + bits > 8u) {
        at[1] = (uint8_t)((at[1] & ~(mask >> 8)) | ((placed & mask) >> 8));
    }
}

/* Bytes of an array of fields. */
static inline uint32_t dassdp_field_bytes(uint32_t n, uint32_t bits)
{
    return (n * bits + 7u) >> 3;
}

/* Spike counts and latencies of a population in one slot of the batch. */
typedef struct {
    uint8_t *count;
    uint8_t *latency; /* all bits set: silent; NULL where only counts are kept */
    uint32_t n;
    uint32_t bits;
} dassdp_record_t;

static inline dassdp_record_t dassdp_record(const dassdp_model_t *model, void *state,
                                            const dassdp_population_t *population, uint32_t slot)
{
    uint32_t bits = model->field_bits;
    uint32_t offset = slot * dassdp_field_bytes(population->n_neurons, bits);
    dassdp_record_t record = {
        .count = dassdp_at(state, (uint32_t)population->count_off + offset),
        .latency = population->latency_off < 0
                       ? 0
                       : dassdp_at(state, (uint32_t)population->latency_off + offset),
        .n = population->n_neurons,
        .bits = bits,
    };
    return record;
}

#endif
