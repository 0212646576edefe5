/* The guard's fall-back: factory weights classify the sample, too, and come back when they do better. */
#include "dassdp_quantities.h"
#include "learn.h"
#include "network.h"
#include "state.h"

/* Whether the weights learned may stay. */
static int is_good(const dassdp_guard_rule_t *rule, dassdp_guard_t *guard, uint32_t is_hit,
                   uint32_t is_factory_hit)
{
    uint32_t inside = 0xFFFFFFFFu >> (32u - rule->window);
    guard->hits_bits = (guard->hits_bits << 1 | is_hit) & inside;
    guard->factory_hits_bits = (guard->factory_hits_bits << 1 | is_factory_hit) & inside;
    if (guard->n_judged < rule->window) {
        guard->n_judged++;
    }
    return guard->n_judged < rule->window ||
           dassdp_popcount(guard->factory_hits_bits)
               < dassdp_popcount(guard->hits_bits) + rule->margin;
}

int dassdp_guard_judge(const dassdp_model_t *model, void *state)
{
    const dassdp_guard_rule_t *rule = model->guard;
    dassdp_guard_t *guard = dassdp_at(state, (uint32_t)rule->state_off);
    dassdp_lesson_t *lesson = dassdp_lesson(model, state);
    const uint32_t label = (uint32_t)lesson->label;
    if (!dassdp_rerun(model, state, 1)) {
        return 0;
    }
    if (!is_good(rule, guard, (uint32_t)(lesson->class_idx == label),
                 (uint32_t)(dassdp_class(model, state) == label))) {
        dassdp_restore_weights(model, state, 0);
        guard->hits_bits = 0;
        guard->factory_hits_bits = 0;
        guard->n_judged = 0;
        guard->n_fallbacks =
            (uint16_t)(guard->n_fallbacks + (guard->n_fallbacks < DASSDP_FALLBACKS_MAX));
        lesson->result.is_fallen_back = 1;
    }
    return 1;
}
