/* Homeostatic scaling: the spikes that a neuron lacks stand for an error. */
#include "homeostasis.h"

void dassdp_homeostasis_learn(const dassdp_model_t *model, void *state,
                              const dassdp_projection_t *projection)
{
    const dassdp_homeostasis_rule_t *rule = dassdp_constants(projection);
    dassdp_record_t pre = dassdp_pre_record(model, state, projection);
    dassdp_record_t post = dassdp_post_record(model, state, projection);
    const uint32_t frac_bits = rule->frac_bits;
    int16_t *err = dassdp_at(state, rule->factors.k_off);
    for (uint32_t i = 0; i < post.n; i++) {
        int32_t n = (int32_t)(dassdp_plane_value(post.count, post.bits, i) << frac_bits);
        err[i] = dassdp_narrow_s16(rule->targets[i] - n);
    }
    uint32_t n_tried = dassdp_factors(&rule->factors, state, projection, &pre, err,
                                      rule->factors.amplitude);
    dassdp_factors_write(&rule->factors, model, state, projection, &pre, n_tried);
}
