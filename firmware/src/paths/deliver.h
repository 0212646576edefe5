/* How spikes reach projections that are no plain matrix between the bits of one step; models name
 * these functions in dassdp_path_t, so that only they link them. */
#ifndef DASSDP_DELIVER_H
#define DASSDP_DELIVER_H

#include "kernels.h"

/* Rows of weights: as many times as a neuron fired; those of all windows of a summed pool. */
uint32_t dassdp_deliver_rows(const dassdp_model_t *model, void *state,
                             const dassdp_projection_t *projection, void *acc, uint32_t adds,
                             uint32_t t_step);
/* A convolution, behind a summed pool or not. */
uint32_t dassdp_deliver_conv(const dassdp_model_t *model, void *state,
                             const dassdp_projection_t *projection, void *acc, uint32_t adds,
                             uint32_t t_step);
/* A matrix between channels: rows of weights at the place of the spike. */
uint32_t dassdp_deliver_channels(const dassdp_model_t *model, void *state,
                                 const dassdp_projection_t *projection, void *acc, uint32_t adds,
                                 uint32_t t_step);
/* The same of currents: rows of signed weights, or a convolution. */
dassdp_analogue_fn dassdp_deliver_currents;
/* A convolution of spikes or of currents, of which the largest sums of windows arrive. */
uint32_t dassdp_deliver_largest(const dassdp_model_t *model, void *state,
                                const dassdp_projection_t *projection, void *acc, uint32_t adds,
                                uint32_t t_step);
dassdp_analogue_fn dassdp_deliver_largest_currents;

/* Spikes of all neurons `lag` steps ago; of each neuron by its own lag. */
const uint32_t *dassdp_delayed_row(const dassdp_model_t *model, void *state,
                                   const dassdp_projection_t *projection, uint32_t t_step);
const uint32_t *dassdp_delayed_each(const dassdp_model_t *model, void *state,
                                    const dassdp_projection_t *projection, uint32_t t_step);

/* Largest of each window: of bits, or of numbers of spikes. */
void dassdp_pool_max_bits(const dassdp_path_t *path, void *state, const uint32_t *spk_bits,
                          const uint8_t *n_spikes);
void dassdp_pool_max_numbers(const dassdp_path_t *path, void *state, const uint32_t *spk_bits,
                             const uint8_t *n_spikes);

#endif
