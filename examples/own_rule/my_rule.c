/* What my_rule.py says, in the same integers. */
#include "my_rule.h"

/* k of all neurons, from the thresholds before this sample, which then move; returns how many are not 0. */
static uint32_t factors(const bcm_rule_t *rule, const dassdp_record_t *post, int32_t *theta_q8,
                        int16_t *k_q4)
{
    uint32_t n_tried = 0;
    for (uint32_t i = 0; i < post->n; i++) {
        int32_t n = (int32_t)dassdp_plane_value(post->count, post->bits, i);
        int32_t phi_q8 = n * (256 * n - rule->target_q8 - theta_q8[i]);
        int32_t k = dassdp_round_s32(rule->amplitude * phi_q8, rule->k_rshift);
        k_q4[i] = (int16_t)dassdp_clip_s32(k, -rule->k_max, rule->k_max);
        n_tried += (uint32_t)(k_q4[i] != 0);
        theta_q8[i] += dassdp_round_s32(n * n * rule->gain_q8 - rule->target_q8 - theta_q8[i],
                                        rule->memory);
    }
    return n_tried;
}

void bcm_learn(const dassdp_model_t *model, void *state, const dassdp_projection_t *projection)
{
    const bcm_rule_t *rule = dassdp_constants(projection);
    dassdp_record_t pre = dassdp_pre_record(model, state, projection);
    dassdp_record_t post = dassdp_post_record(model, state, projection);
    int16_t *k_q4 = dassdp_at(state, rule->k_off);
    uint32_t n_tried = factors(rule, &post, dassdp_at(state, rule->theta_off), k_q4);
    int16_t *dw_q8 = dassdp_row_buffer(state, projection, rule->row_off);
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        int32_t n = (int32_t)dassdp_plane_value(pre.count, pre.bits, j);
        uint32_t n_vanished = 0;
        if (n == 0) {
            continue;
        }
        for (uint32_t i = 0; i < projection->n_post; i++) {
            dw_q8[i] = dassdp_narrow_s16(dassdp_round_s32(k_q4[i] * n, 4));
            n_vanished += (uint32_t)(k_q4[i] != 0 && dw_q8[i] == 0);
        }
        dassdp_write_row(model, state, projection, j, dw_q8, n_tried, n_vanished);
    }
}

/* Whether thresholds that came from outside are such as a run can leave. */
int bcm_check(const dassdp_model_t *model, const void *state,
              const dassdp_projection_t *projection)
{
    const bcm_rule_t *rule = dassdp_constants(projection);
    const int32_t *theta_q8 = dassdp_at_const(state, rule->theta_off);
    const int32_t most = (int32_t)(model->n_steps * model->n_steps) * rule->gain_q8;
    for (uint32_t i = 0; i < projection->n_post; i++) {
        int64_t theta = (int64_t)theta_q8[i] + rule->target_q8;
        if (theta < 0 || theta > most) {
            return DASSDP_E_VALUE;
        }
    }
    return DASSDP_OK;
}
