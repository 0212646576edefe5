/* Homeostasis: every neuron returns to a number of spikes. Batch 1. */
#ifndef DASSDP_HOMEOSTASIS_H
#define DASSDP_HOMEOSTASIS_H

#include "factors.h"

typedef struct {
    dassdp_factors_t factors;  /* targets_q7 - (n << 7) stands for an error */
    const int16_t *targets_q7; /* n_post, 0 to 128 n_steps */
} dassdp_homeostasis_rule_t;

dassdp_rule_fn dassdp_homeostasis_learn;

#endif
