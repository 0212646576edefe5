/* Homeostatic scaling: the spikes that a neuron lacks stand for an error. */
#include "homeostasis.h"

/* Factors from the spikes that each postsynaptic neuron lacks; returns how many are not 0. */
static uint32_t factors_of_counts(const dassdp_model_t *model, void *state,
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
    return dassdp_factors(&rule->factors, state, projection, &pre, err, rule->factors.amplitude);
}

void dassdp_homeostasis_learn(const dassdp_model_t *model, void *state,
                              const dassdp_projection_t *projection)
{
    const dassdp_homeostasis_rule_t *rule = dassdp_constants(projection);
    dassdp_lesson_t *lesson = dassdp_lesson(model, state);
    if (dassdp_is_first(lesson)) {
        dassdp_factors_begin(lesson, factors_of_counts(model, state, projection));
    }
    dassdp_factors_write(&rule->factors, model, state, projection);
}
