/* The guard's fall-back: factory weights classify the sample, too, and come back when they do better. */
#include "dassdp_quantities.h"
#include "learn.h"
#include "network.h"
#include "state.h"

void dassdp_guard_judge(const dassdp_model_t *model, void *state, uint32_t class_idx,
                        uint32_t label, dassdp_result_t *result)
{
    const dassdp_guard_rule_t *rule = model->guard;
    dassdp_guard_t *guard = dassdp_at(state, (uint32_t)rule->state_off);
    uint32_t inside = 0xFFFFFFFFu >> (32u - rule->window);
    uint32_t factory_hit = (uint32_t)(dassdp_rerun(model, state, 1) == label);
    guard->hits_bits = (guard->hits_bits << 1 | (uint32_t)(class_idx == label)) & inside;
    guard->factory_hits_bits = (guard->factory_hits_bits << 1 | factory_hit) & inside;
    if (guard->n_judged < rule->window) {
        guard->n_judged++;
    }
    if (guard->n_judged < rule->window ||
        dassdp_popcount(guard->factory_hits_bits)
            < dassdp_popcount(guard->hits_bits) + rule->margin) {
        return;
    }
    dassdp_restore_weights(model, state, 0);
    guard->hits_bits = 0;
    guard->factory_hits_bits = 0;
    guard->n_judged = 0;
    guard->n_fallbacks = (uint16_t)(guard->n_fallbacks + (guard->n_fallbacks < DASSDP_FALLBACKS_MAX));
    result->is_fallen_back = 1;
}
