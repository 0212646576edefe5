/* A sample once it has run: its error, the rules, and what follows from it. */
#ifndef DASSDP_LEARN_H
#define DASSDP_LEARN_H

#include "dassdp_tables.h"

/* Where replay stands. */
typedef struct {
    uint32_t n_replayed;   /* stored samples learned again */
    uint32_t n_replay_skipped; /* of these, skipped because the network was sure and right */
    uint16_t flash_idx;    /* the next one of flash */
    uint16_t ring_idx;     /* the slot of the ring to look at next */
} dassdp_replay_t;

/* The last `window` labelled samples, the newest in bit 0: classified rightly? */
typedef struct {
    uint32_t hits_bits;    /* by the weights before they learned from it */
    uint32_t factory_hits_bits;
    uint16_t n_judged;     /* at most `window` */
    uint16_t n_fallbacks;
} dassdp_guard_t;

/* The CUSUM gate: whether anything is learned. */
typedef struct {
    uint32_t n_held;       /* labelled samples held back */
    uint16_t sum_q10;      /* S, at most `opens_q10` */
    uint16_t n_due;        /* samples of the ring to learn again since it opened */
    uint16_t is_open;
    uint16_t reserved;
} dassdp_cusum_t;

/* Whether learning can leave this behind: DASSDP_OK or DASSDP_E_VALUE. `state` holds what a snapshot
 * does, and nothing else. */
int dassdp_learning_fits(const dassdp_model_t *model, const void *state);

/* Behind a learning state from outside: the sample at hand is used up, and windows were seen behind
 * another profile. */
void dassdp_begin_anew(const dassdp_model_t *model, void *state);

/* Error of the readout for this label in Q8, and the loss -log2 p(label) in Q8. */
uint32_t dassdp_softmax_error(const dassdp_model_t *model, void *state, uint32_t label);

/* Error, loss and is_skipped of a sample with that label; returns whether error rules may write. */
int dassdp_evaluate(const dassdp_model_t *model, void *state, int32_t label,
                    dassdp_result_t *result);

/* A batch holds samples of one kind: another kind discards what it holds. Puts the sample into the
 * batch; returns whether the batch is full. */
void dassdp_begin_kind(const dassdp_model_t *model, void *state, uint8_t kind);
int dassdp_fill_batch(const dassdp_model_t *model, void *state, uint8_t kind, int32_t loss_q8);

/* A lesson of DASSDP_LESSON_LEARN or _WARM_UP is over: it becomes part of the digest, and its sample is
 * used up. */
void dassdp_end_lesson(const dassdp_model_t *model, void *state, uint8_t kind, int32_t label,
                       int32_t loss_q8, const dassdp_result_t *result);

/* DASSDP_OK where the sample that just ended may be learned, or recorded, with these. */
int dassdp_check_call(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8);

/* What follows goes on where the lesson stands, and returns 0 where the slice is over before it has come
 * to its end; the caller then returns, too, and calls it again in the next slice. */

/* Error of every population on the way to an error-driven projection; 0 where a neuron is silent, or
 * under a touch rule never came near its threshold. */
int dassdp_feed_back(const dassdp_model_t *model, void *state);

/* Error, loss and is_skipped of what is recorded in the current slot, told where it begins; error rules
 * write unless the network was sure and right: has_run. */
int dassdp_learn_label(const dassdp_model_t *model, void *state, uint32_t label,
                       dassdp_result_t *result);

/* The plastic part runs again from the rasters of the cut, recorded in the current slot; the logits are
 * its own. uses_factory: on factory weights. */
int dassdp_rerun(const dassdp_model_t *model, void *state, uint32_t uses_factory);

/* Whether dassdp_import would take this: DASSDP_OK, or why not. */
int dassdp_import_check(const dassdp_model_t *model, const uint8_t *bytes, uint32_t n_bytes);

/* Targets of the sample to learn behind what is stored of it, and back. */
void dassdp_store_target(const dassdp_model_t *model, const void *state, uint32_t *stored);
void dassdp_load_target(const dassdp_model_t *model, void *state, const uint32_t *stored);

/* What models name in dassdp_values_t, dassdp_replay_rule_t, dassdp_guard_rule_t, dassdp_error_step_t and
 * dassdp_cusum_rule_t, so that only they link it. */
int dassdp_values_evaluate(const dassdp_model_t *model, void *state, dassdp_result_t *result);
int dassdp_replay_after(const dassdp_model_t *model, void *state);
int dassdp_replay_idle(const dassdp_model_t *model, void *state);
int dassdp_replay_check(const dassdp_model_t *model, const void *state);
uint32_t dassdp_cusum_holds(const dassdp_model_t *model, void *state, int32_t label);
uint32_t dassdp_cusum_is_open(const dassdp_model_t *model, const void *state);
uint32_t dassdp_cusum_take_due(const dassdp_model_t *model, void *state);
int dassdp_cusum_check(const dassdp_model_t *model, const void *state);
uint32_t dassdp_error_step_factor(const dassdp_model_t *model, const void *state);
void dassdp_error_step_count(const dassdp_model_t *model, void *state, uint32_t label);
int dassdp_guard_judge(const dassdp_model_t *model, void *state);

#endif
