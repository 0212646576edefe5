/* What learning remembers of a sample: bit planes, 32 neurons at a time. */
#include <string.h>

#include "kernels.h"
#include "state.h"

dassdp_record_t dassdp_record(const dassdp_model_t *model, void *state,
                              const dassdp_population_t *population, uint32_t slot)
{
    return dassdp_record_at(model, state, population, slot);
}

void dassdp_record_clear(const dassdp_record_t *record)
{
    uint32_t n_bytes = record->n_words * record->bits * 4u;
    memset(record->count, 0, n_bytes);
    if (record->latency != 0) {
        memset(record->latency, 0xFF, n_bytes);
    }
}

/* A latency is written once, so silence, all ones, tells the first event. The highest plane of nearly
 * all that had one is 0. */
static inline void mark(uint32_t *latency, uint32_t bits, uint32_t events, uint32_t t_step,
                        int keeps_last)
{
    for (uint32_t b = keeps_last ? 0u : bits; b-- != 0u && events != 0u;) {
        events &= latency[b];
    }
    if (events == 0u) {
        return;
    }
    for (uint32_t *end = latency + bits; latency != end; latency++, t_step >>= 1) {
        uint32_t plane = *latency;
        *latency = (t_step & 1u) != 0u ? plane | events : plane & ~events;
    }
}

void dassdp_record_add(const dassdp_record_t *record, const uint32_t *events, uint32_t t_step,
                       int keeps_last)
{
    uint32_t bits = record->bits;
    uint32_t *count = record->count;
    uint32_t *latency = record->latency;
    for (const uint32_t *end = events + record->n_words; events != end; events++, count += bits) {
        uint32_t carry = *events;
        if (latency != 0) {
            mark(latency, bits, carry, t_step, keeps_last);
            latency += bits;
        }
        for (uint32_t *plane = count; carry != 0u; plane++) {
            uint32_t before = *plane;
            *plane = before ^ carry;
            carry &= before;
        }
    }
}

uint32_t dassdp_fired(const dassdp_record_t *record, uint32_t word_idx)
{
    const uint32_t *planes = record->count + word_idx * record->bits;
    return ~dassdp_planes_equal(planes, record->bits, 0, 0xFFFFFFFFu);
}

uint32_t dassdp_record_part(const dassdp_record_t *record, uint32_t first, uint32_t *words,
                            uint32_t *same)
{
    const uint32_t bits = record->bits;
    const uint32_t n_words = record->n_words;
    const uint32_t *planes = record->count + first * bits;
    const uint32_t neuron = words[first] & (~words[first] + 1u);
    uint32_t n_spikes = 0, among = words[first];
    for (uint32_t b = bits; b-- > 0u;) {
        const uint32_t is_set = (uint32_t)((planes[b] & neuron) != 0u);
        n_spikes += n_spikes + is_set;
        among &= planes[b] ^ (is_set - 1u);
    }
    same[first] = among;
    words[first] ^= among;
    for (uint32_t w = first + 1u; w < n_words; w++) {
        planes += bits;
        same[w] = dassdp_planes_equal(planes, bits, n_spikes, words[w]);
        words[w] ^= same[w];
    }
    return n_spikes;
}

void dassdp_planes_bytes(const uint32_t *planes, uint32_t n, uint32_t bits, uint8_t *bytes)
{
    for (uint32_t i = 0; i < n; i += 4u) {
        const uint32_t four = dassdp_planes_four(planes, bits, i);
        memcpy(bytes + i, &four, sizeof four);
    }
}

void dassdp_planes_halves(const uint32_t *planes, uint32_t n, uint32_t bits, void *values)
{
    uint16_t *halves = values;
    for (uint32_t i = 0; i < n; i += 2u) {
        const uint32_t *word = planes + (i >> 5) * bits;
        uint32_t two = 0;
        for (uint32_t b = bits; b-- > 0u;) {
            two += two + ((((word[b] >> (i & 31u)) & 3u) * 0x00008001u) & 0x00010001u);
        }
        memcpy(halves + i, &two, sizeof two);
    }
}
