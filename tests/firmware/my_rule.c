/* dw[j][i] = k_i n_j, k_i = clip(err_i r), r = min(amplitude // (1 + sum n^2), r_max). */
#include "my_rule.h"

static int32_t step(const my_rule_t *rule, const dassdp_model_t *model, void *state,
                    const dassdp_record_t *pre)
{
    uint32_t n_squared = 1;
    for (uint32_t j = 0; j < pre->n; j++) {
        uint32_t n_spikes = dassdp_plane_value(pre->count, pre->bits, j);
        n_squared += n_spikes * n_spikes;
    }
    uint32_t r = dassdp_scheduled(model, state, rule->amplitude) / n_squared;
    return (int32_t)(r < rule->r_max ? r : rule->r_max);
}

void my_rule_learn(const dassdp_model_t *model, void *state,
                   const dassdp_projection_t *projection)
{
    const my_rule_t *rule = dassdp_constants(projection);
    const int16_t *err_q8 = dassdp_errors(state, dassdp_post(model, projection));
    dassdp_record_t pre = dassdp_pre_record(model, state, projection);
    int16_t *dw_q8 = dassdp_row_buffer(state, projection, rule->row_off);
    const int32_t r = step(rule, model, state, &pre);
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        int32_t n_q7 = 128 * (int32_t)dassdp_plane_value(pre.count, pre.bits, j);
        uint32_t n_tried = 0;
        uint32_t n_vanished = 0;
        for (uint32_t i = 0; n_q7 != 0 && i < projection->n_post; i++) {
            int32_t k = dassdp_clip_s32(dassdp_round_s32(err_q8[i] * r, rule->k_rshift),
                                        -rule->k_max, rule->k_max);
            dw_q8[i] = dassdp_narrow_s16(dassdp_round_s32(k * n_q7, rule->row_rshift));
            n_tried += (uint32_t)(k != 0);
            n_vanished += (uint32_t)(k != 0 && dw_q8[i] == 0);
        }
        dassdp_write_row(model, state, projection, j, dw_q8, n_tried, n_vanished);
    }
}
