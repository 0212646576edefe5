/* The plasticity rules and what they share. */
#ifndef DASSDP_RULES_H
#define DASSDP_RULES_H

#include "dassdp_tables.h"
#include "state.h"

/* Error-modulated synchrony (with g) and the readout delta rule (without); homeostasis, whose errors
 * are the spikes that neurons lack. Batch 1. */
dassdp_rule_fn dassdp_rule_error;

/* Error-modulated touch, batch 1. */
dassdp_rule_fn dassdp_rule_touch;

/* EIHL: contraction and dassdp_rule_error by turns, batch 1. */
dassdp_rule_fn dassdp_rule_eihl;

/* Pair-based STDP over the rasters of the sample. */
dassdp_rule_fn dassdp_rule_stdp;

/* k of a projection's error rule, padded with zeros to DASSDP_COLUMNS(n_post), from the errors of its
 * postsynaptic and the record of its presynaptic neurons; returns how many are not 0. */
uint32_t dassdp_error_factors(const dassdp_model_t *model, void *state,
                              const dassdp_projection_t *projection, const dassdp_record_t *pre,
                              int16_t *k);

/* SSDP and DA-SSDP: when the batch is full, one update from all its slots. */
dassdp_rule_fn dassdp_rule_sync;

extern const dassdp_gate_functions_t dassdp_gate;

#endif
