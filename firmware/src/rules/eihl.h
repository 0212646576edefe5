/* EIHL: contraction w <- sign(w) max(|w| - b, 0) and the error rule by turns. b grows with every sample
 * of a phase; after every `period` of them the phase ends if connectivity changed its way. Batch 1. */
#ifndef DASSDP_EIHL_H
#define DASSDP_EIHL_H

#include "factors.h"

typedef struct {
    dassdp_factors_t factors;
    uint32_t growth_q16;   /* of b, in Q16 of a weight step */
    uint32_t most_q16;
    uint16_t period;
    uint32_t phase_off;    /* dassdp_eihl_t */
} dassdp_eihl_rule_t;

/* Where it stands. */
typedef struct {
    uint32_t n_connected;  /* weights that were not 0 when the phase began */
    uint32_t b_q16;        /* 0: the phase has not begun */
    uint16_t n_samples;    /* since connectivity was last looked at */
    uint16_t kind;         /* of phase, 0: contraction, 1: error-driven */
} dassdp_eihl_t;

dassdp_rule_fn dassdp_eihl_learn;
int dassdp_eihl_check(const dassdp_model_t *model, const void *state,
                      const dassdp_projection_t *projection);

#endif
