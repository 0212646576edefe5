/* The plasticity rules and what they share. */
#ifndef DASSDP_RULES_H
#define DASSDP_RULES_H

#include "dassdp.h"
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

/* Error of the readout for this label in Q8, and the loss -log2 p(label) in Q8. */
uint32_t dassdp_softmax_error(const dassdp_model_t *model, void *state, uint32_t label);

/* Error of every population on the way to an error-driven projection; 0 where a neuron is silent, or
 * under a touch rule never came near its threshold. */
void dassdp_feed_back(const dassdp_model_t *model, void *state);

/* Error, loss and is_skipped of what is recorded in the current slot; error rules write unless the
 * network was sure and right, or there is no label. Returns whether they did. */
int dassdp_learn_label(const dassdp_model_t *model, void *state, int32_t label,
                       dassdp_result_t *result);

/* What replay and guard name in their rules (dassdp.h). */
void dassdp_replay_after(const dassdp_model_t *model, void *state, uint32_t slot, uint32_t label,
                         dassdp_result_t *result);
int dassdp_replay_idle(const dassdp_model_t *model, void *state);
int dassdp_replay_check(const dassdp_model_t *model, void *state);
void dassdp_guard_judge(const dassdp_model_t *model, void *state, uint32_t class_idx,
                        uint32_t label, dassdp_result_t *result);

extern const dassdp_gate_functions_t dassdp_gate;

#endif
