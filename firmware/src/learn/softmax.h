/* Terms of a softmax, in integers. */
#ifndef DASSDP_SOFTMAX_H
#define DASSDP_SOFTMAX_H

#include "dassdp_quantities.h"
#include "dassdp_tables.h"

/* z_q8 = log2(e) (max - logit) in Q8, at most DASSDP_SOFTMAX_MAX_Q8. */
static inline uint32_t dassdp_softmax_z_q8(const dassdp_model_t *model, int32_t max, int32_t logit)
{
    uint32_t difference = (uint32_t)max - (uint32_t)logit;
    return difference >= model->softmax_limit
               ? DASSDP_SOFTMAX_MAX_Q8
               : (difference * model->softmax_scale) >> model->softmax_shift;
}

/* 32768 2^-z, 0 from DASSDP_SOFTMAX_MAX_Q8 on. */
static inline uint32_t dassdp_exp2_q15(uint32_t z_q8)
{
    /* round(32768 2^(-i/32)) */
    static const uint16_t exp2_q15[32] = {
        32768, 32066, 31379, 30706, 30048, 29405, 28774, 28158, 27554, 26964, 26386,
        25821, 25268, 24726, 24196, 23678, 23170, 22674, 22188, 21713, 21247, 20792,
        20347, 19911, 19484, 19066, 18658, 18258, 17867, 17484, 17109, 16743,
    };
    return z_q8 >= DASSDP_SOFTMAX_MAX_Q8 ? 0u : (uint32_t)exp2_q15[(z_q8 >> 3) & 31u] >> (z_q8 >> 8);
}

#endif
