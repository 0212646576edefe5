/* The delta rule of the readout: dw[j][i] = k_i n_j. Batch 1. */
#ifndef DASSDP_DELTA_H
#define DASSDP_DELTA_H

#include "factors.h"

typedef struct {
    dassdp_factors_t factors; /* g_q7 is NULL */
} dassdp_delta_rule_t;

dassdp_rule_fn dassdp_delta_learn;

#endif
