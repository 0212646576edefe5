/* What models name in dassdp_coding_t and dassdp_coder_t (docs/arithmetic.md, section 17). */
#ifndef DASSDP_ENCODE_H
#define DASSDP_ENCODE_H

#include "dassdp_tables.h"

/* Spikes of one step of all inputs that have a coder, and their histories. */
void dassdp_encode(const dassdp_model_t *model, void *state, uint32_t t_step);

/* A list of addresses, in which 0xFFFF ends a step; it comes from outside: an address of no neuron
 * is ignored, what is missing is silence. */
void dassdp_encode_events(const dassdp_coder_t *coder, void *state, const void *x,
                          uint32_t t_step);
/* One spike in the step that the table has for a positive code. */
void dassdp_encode_latency(const dassdp_coder_t *coder, void *state, const void *x,
                           uint32_t t_step);
/* A spike where half a random byte is below the code: a word for every group of four. */
void dassdp_encode_rate(const dassdp_coder_t *coder, void *state, const void *x, uint32_t t_step);
/* Spikes ON and OFF as the code leaves its level by a step. */
void dassdp_encode_delta(const dassdp_coder_t *coder, void *state, const void *x,
                         uint32_t t_step);

#endif
