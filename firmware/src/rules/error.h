/* Error-modulated synchrony: dw[j][i] = k_i n_j g[|t_i - t_j|]. Batch 1. */
#ifndef DASSDP_ERROR_H
#define DASSDP_ERROR_H

#include "factors.h"

typedef struct {
    dassdp_factors_t factors;
} dassdp_error_rule_t;

dassdp_rule_fn dassdp_error_learn;

#endif
