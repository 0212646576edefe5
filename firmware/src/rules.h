/* The plasticity rules and what they share. */
#ifndef DASSDP_RULES_H
#define DASSDP_RULES_H

#include "dassdp.h"

/* Error-modulated synchrony (with g) and the readout delta rule (without), batch 1. */
dassdp_rule_fn dassdp_rule_error;

/* SSDP and DA-SSDP: when the batch is full, one update from all its slots. */
dassdp_rule_fn dassdp_rule_sync;

/* Error of the readout for this label in Q8, and the loss -log2 p(label) in Q8. */
uint32_t dassdp_softmax_error(const dassdp_model_t *model, void *state, uint32_t label);

/* Error of every population on the way to an error-driven projection; 0 where a neuron is silent. */
void dassdp_feed_back(const dassdp_model_t *model, void *state);

extern const dassdp_gate_functions_t dassdp_gate;

#endif
