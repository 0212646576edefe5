/* Homeostasis: every neuron returns to a number of spikes. Batch 1. */
#ifndef DASSDP_HOMEOSTASIS_H
#define DASSDP_HOMEOSTASIS_H

#include "factors.h"

typedef struct {
    dassdp_factors_t factors; /* targets - (n << frac_bits) stands for an error */
    const int16_t *targets;   /* n_post, 0 to n_steps << frac_bits */
    uint8_t frac_bits;        /* 7, and fewer in long samples */
} dassdp_homeostasis_rule_t;

dassdp_rule_fn dassdp_homeostasis_learn;

#endif
