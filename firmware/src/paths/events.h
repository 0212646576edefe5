/* The spikes of a source as lists of indices. */
#ifndef DASSDP_EVENTS_H
#define DASSDP_EVENTS_H

#include "kernels.h"
#include "state.h"

/* Spikes that reach a projection in a step: bits, and how often where that is not once. bits is
 * NULL for silence. */
typedef struct {
    const uint32_t *bits;
    const uint8_t *n_spikes;
    uint32_t n;            /* neurons */
    dassdp_cursor_t cursor;
    dassdp_row_t *listed;
} dassdp_events_t;

/* Delayed and pooled as the path of the projection has it. */
dassdp_events_t dassdp_events(const dassdp_model_t *model, void *state,
                              const dassdp_projection_t *projection, uint32_t t_step);

/* Lists further spikes, ascending; returns how many, 0 at the end. Bits behind the last neuron are
 * no spikes. */
uint32_t dassdp_events_next(dassdp_events_t *events);

static inline uint32_t dassdp_events_times(const dassdp_events_t *events, uint32_t idx)
{
    return events->n_spikes == 0 ? 1u : events->n_spikes[idx];
}

#endif
