/* A rule from outside, as its author would write it: the readout's delta rule again, weight by weight. */
#ifndef MY_RULE_H
#define MY_RULE_H

#include "rules.h"

typedef struct {
    uint32_t amplitude;
    uint32_t r_max;
    int32_t k_max;
    uint8_t k_rshift;
    uint8_t row_rshift;
    uint32_t row_off; /* scratch: the update row */
} my_rule_t;

dassdp_rule_fn my_rule_learn;

#endif
