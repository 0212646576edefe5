/* BCM: dw = eta n_j n_i (n_i - theta_i), theta_i follows the square of n_i. */
#ifndef MY_RULE_H
#define MY_RULE_H

#include "rules.h"

typedef struct {
    int32_t target_q8;
    int32_t gain_q8;     /* 1 / target */
    uint8_t memory;      /* theta takes 2^-memory of what is new */
    int16_t amplitude;
    uint8_t k_rshift;
    int16_t k_max;
    uint32_t theta_off;  /* carried: int32 theta_q8 - target_q8 of each postsynaptic neuron */
    uint32_t k_off;      /* scratch: int16 k, Q4 */
    uint32_t row_off;    /* scratch: an update row */
} bcm_rule_t;

dassdp_rule_fn bcm_learn;
int bcm_check(const dassdp_model_t *model, const void *state,
              const dassdp_projection_t *projection);

#endif
