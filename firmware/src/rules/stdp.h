/* Pair-based STDP: traces X = (X keep_q15 >> 15) + one s, dw_q8 = s_i round(amplitude_plus X_j >>
 * plus_rshift) - s_j round(amplitude_minus Y_i >> minus_rshift) in every step. */
#ifndef DASSDP_STDP_H
#define DASSDP_STDP_H

#include "rules.h"

typedef struct {
    int16_t pre_one, post_one;
    uint16_t keep_pre_q15, keep_post_q15;
    int16_t amplitude_plus, amplitude_minus;
    uint8_t plus_rshift, minus_rshift;
    uint32_t traces_off;   /* int16 X of all presynaptic, then Y of all postsynaptic neurons */
    uint32_t losses_off;   /* scratch: int16 round(amplitude_minus Y) */
    uint32_t row_off;      /* scratch: the update row */
} dassdp_stdp_rule_t;

dassdp_rule_fn dassdp_stdp_learn;

#endif
