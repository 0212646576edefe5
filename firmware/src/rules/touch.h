/* Error-modulated touch: dw[j][i] = k_i sum of the trace of i over the spikes of j. Batch 1. */
#ifndef DASSDP_TOUCH_H
#define DASSDP_TOUCH_H

#include "factors.h"

typedef struct {
    dassdp_factors_t factors; /* g_q7 is NULL */
    uint16_t columns;      /* that traces are held for at a time, a multiple of 8 */
    uint32_t touches_off;  /* scratch: int16 sums of touch traces; int32 behind them in long samples */
    uint32_t steps_off;    /* scratch: the spikes of 32 neurons, by neuron */
    uint32_t traces_off;   /* scratch: n_steps rows of touch traces */
} dassdp_touch_rule_t;

dassdp_rule_fn dassdp_touch_learn;

#endif
