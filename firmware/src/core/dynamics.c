/* Populations that have more than a leak, a threshold and a plain reset, or a history for delays;
 * models name these functions in dassdp_dynamics_t, so that only they link them. */
#include "dynamics.h"

#include <string.h>

#include "kernels.h"
#include "network.h"
#include "state.h"

void dassdp_dynamics_rest(const dassdp_population_t *population, void *state)
{
    const dassdp_dynamics_t *dynamics = population->dynamics;
    void *v = dassdp_at(state, (uint32_t)population->v_off);
    uint32_t n = population->n_neurons;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t idx = i * dynamics->v_init_stride;
        if (population->v_is_wide != 0u) {
            ((int32_t *)v)[i] = ((const int32_t *)dynamics->v_init)[idx];
        } else {
            ((int16_t *)v)[i] = ((const int16_t *)dynamics->v_init)[idx];
        }
    }
    if (dynamics->i_off >= 0) {
        memset(dassdp_at(state, (uint32_t)dynamics->i_off), 0, n * sizeof(int32_t));
    }
    if (dynamics->multi_off >= 0) {
        memset(dassdp_numbers(dynamics, state), 0, n);
    }
}

void dassdp_history_rest(const dassdp_population_t *population, void *state)
{
    (void)population;
    (void)state;
}

void dassdp_history_remember(const dassdp_population_t *population, void *state, uint32_t t_step)
{
    const dassdp_dynamics_t *dynamics = population->dynamics;
    if (dynamics->n_history != 0u) {
        uint32_t row_bytes = DASSDP_WORDS((uint32_t)population->n_neurons) * 4u;
        uint32_t row = t_step % dynamics->n_history;
        memcpy(dassdp_at(state, (uint32_t)dynamics->history_off + row * row_bytes),
               dassdp_at(state, (uint32_t)population->spk_off), row_bytes);
    }
}

/* Adds to one neuron of a word of bit planes, of which it is bit i. */
static void add(uint32_t *planes, uint32_t i, uint32_t addend)
{
    for (uint32_t b = 0; addend >> b != 0u; b++) {
        uint32_t carry = ((addend >> b) & 1u) << i;
        for (uint32_t *plane = planes + b; carry != 0u; plane++) {
            uint32_t before = *plane;
            *plane = before ^ carry;
            carry &= before;
        }
    }
}

void dassdp_count_more(const dassdp_model_t *model, void *state,
                       const dassdp_population_t *population)
{
    const uint8_t *n_spikes = dassdp_numbers(population->dynamics, state);
    const dassdp_record_t record =
        dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
    for (uint32_t i = 0; i < record.n; i++) {
        if (n_spikes[i] > 1u) {
            add(record.count + (i >> 5) * record.bits, i & 31u, n_spikes[i] - 1u);
        }
    }
}

uint32_t dassdp_dynamics_digest(const dassdp_population_t *population, const void *state,
                                uint32_t crc)
{
    const dassdp_dynamics_t *dynamics = population->dynamics;
    uint32_t n = population->n_neurons;
    if (dynamics->i_off >= 0) {
        crc = dassdp_crc32(crc, dassdp_at_const(state, (uint32_t)dynamics->i_off),
                           n * (uint32_t)sizeof(int32_t));
    }
    if (dynamics->multi_off >= 0) {
        crc = dassdp_crc32(crc, dassdp_at_const(state, (uint32_t)dynamics->multi_off), n);
    }
    return crc;
}

uint32_t dassdp_history_digest(const dassdp_population_t *population, const void *state,
                               uint32_t crc)
{
    (void)population;
    (void)state;
    return crc;
}

const uint32_t *dassdp_channels(const dassdp_model_t *model, void *state,
                                const dassdp_population_t *population)
{
    const uint32_t *spk_bits = dassdp_at_const(state, (uint32_t)population->spk_off);
    const uint32_t n_channels = population->n_recorded;
    uint32_t *words = dassdp_at(state, model->words_off);
    uint32_t channel = 0;
    memset(words, 0, DASSDP_WORDS(n_channels) * 4u);
    for (uint32_t i = 0; i < population->n_neurons; i++) {
        if (channel < n_channels) {
            words[channel >> 5] |= ((spk_bits[i >> 5] >> (i & 31u)) & 1u) << (channel & 31u);
        }
        channel = channel + 1u == DASSDP_PLACE(n_channels) ? 0u : channel + 1u;
    }
    return words;
}
