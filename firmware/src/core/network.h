/* Populations one by one: what a run of the network and a rerun of its plastic part share. */
#ifndef DASSDP_NETWORK_H
#define DASSDP_NETWORK_H

#include "kernels.h"

/* Membranes, spikes, logits and records of the current slot as at the start of a sample. */
void dassdp_rest_population(const dassdp_model_t *model, void *state,
                            const dassdp_population_t *population);

/* Spikes that enter a projection in this step, as its source has them. */
const uint32_t *dassdp_spikes_into(const dassdp_model_t *model, const void *state,
                                   const dassdp_projection_t *projection, uint32_t t_step);

/* Sums of lists of rows go into a part, which is added; dense, the silent rows are taken off the sum of
 * all rows. Returns 1 if there were any sums. */
uint32_t dassdp_add_parts(const dassdp_model_t *model, void *state,
                          const dassdp_projection_t *projection, dassdp_cursor_t *cursor,
                          const void *image, uint32_t adds);

/* A non-resetting readout "fires" where its membrane is positive. */
dassdp_events_fn dassdp_positive;

/* A channel fires where one of its neurons does: n_recorded of them, side by side in every
 * place, and padding behind them. */
dassdp_events_fn dassdp_channels;

/* The lowest index of the largest logit. */
uint32_t dassdp_class(const dassdp_model_t *model, const void *state);

/* Clears the bits behind the last neuron of every frame of spikes, which would name rows behind the
 * image; models whose frames end within a word name it. */
void dassdp_clear_tails(const dassdp_model_t *model, int8_t *x);

/* Values of a sample at an end of int8; models with currents or encoded values name it. */
uint32_t dassdp_count_ends(const dassdp_model_t *model, const int8_t *x);

/* The sample being read begins anew; models without a sensor read none. */
void dassdp_restart_sample(const dassdp_model_t *model, void *state);

/* Learning used up what was read of a sample; the profile in use is that of the weights once some
 * changed. */
void dassdp_note_learning(const dassdp_model_t *model, void *state, int is_updated);

#endif
