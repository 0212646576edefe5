/* What models name in their dassdp_dynamics_t: of neurons with dynamics, and of plain ones whose
 * spikes are kept for delays. */
#ifndef DASSDP_DYNAMICS_H
#define DASSDP_DYNAMICS_H

#include "state.h"

/* uint8 spikes of each neuron in the last step, NULL where there are 0 or 1. */
static inline uint8_t *dassdp_numbers(const dassdp_dynamics_t *dynamics, void *state)
{
    return dynamics->multi_off < 0 ? 0 : dassdp_at(state, (uint32_t)dynamics->multi_off);
}

void dassdp_dynamics_rest(const dassdp_population_t *population, void *state);
void dassdp_history_rest(const dassdp_population_t *population, void *state);
/* The spikes of the step become row t_step % n_history, if there is a history. */
void dassdp_history_remember(const dassdp_population_t *population, void *state, uint32_t t_step);
/* The record of a step has one spike of each neuron that fired: adds the others. */
void dassdp_count_more(const dassdp_model_t *model, void *state,
                       const dassdp_population_t *population);
uint32_t dassdp_dynamics_digest(const dassdp_population_t *population, const void *state,
                                uint32_t crc);
uint32_t dassdp_history_digest(const dassdp_population_t *population, const void *state,
                               uint32_t crc);

#endif
