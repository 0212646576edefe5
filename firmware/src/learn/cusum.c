/* The gate: Page's cumulative sum of misses; nothing is learned before it reaches a bound. */
#include "dassdp_quantities.h"
#include "learn.h"
#include "network.h"
#include "state.h"

/* Samples in the ring. */
static uint32_t n_stored(const dassdp_model_t *model, const void *state)
{
    const dassdp_replay_rule_t *replay = model->replay;
    uint32_t n = 0;
    if (replay != 0 && replay->ring_per_class != 0u) {
        const uint16_t *seen = dassdp_at_const(state, (uint32_t)replay->seen_off);
        for (uint32_t c = 0; c < model->n_classes; c++) {
            n += seen[c] < replay->ring_per_class ? seen[c] : replay->ring_per_class;
        }
    }
    return n;
}

/* S = min(opens, max(0, S + miss - allowed)) */
static void count(const dassdp_cusum_rule_t *rule, dassdp_cusum_t *cusum, uint32_t is_miss)
{
    uint32_t sum_q10 = cusum->sum_q10 + (is_miss << 10);
    sum_q10 = sum_q10 > rule->allowed_q10 ? sum_q10 - rule->allowed_q10 : 0u;
    cusum->sum_q10 = (uint16_t)(sum_q10 < rule->opens_q10 ? sum_q10 : rule->opens_q10);
}

uint32_t dassdp_cusum_holds(const dassdp_model_t *model, void *state, int32_t label)
{
    const dassdp_cusum_rule_t *rule = model->cusum;
    dassdp_cusum_t *cusum = dassdp_cusum(model, state);
    if (label != DASSDP_NO_LABEL) {
        count(rule, cusum, (uint32_t)(dassdp_class(model, state) != (uint32_t)label));
        if (cusum->is_open == 0u && cusum->sum_q10 == rule->opens_q10) {
            cusum->is_open = 1;
            cusum->n_due = (uint16_t)n_stored(model, state);
        } else if (rule->closes != 0u && cusum->sum_q10 == 0u) {
            cusum->is_open = 0;
        }
        cusum->n_held += (uint32_t)(cusum->is_open == 0u);
    }
    return cusum->is_open == 0u;
}

int dassdp_cusum_check(const dassdp_model_t *model, void *state)
{
    const dassdp_replay_rule_t *replay = model->replay;
    const uint32_t n_slots =
        replay == 0 ? 0u : (uint32_t)replay->ring_per_class * model->n_classes;
    dassdp_cusum_t *cusum = dassdp_cusum(model, state);
    if (cusum->sum_q10 <= model->cusum->opens_q10 && cusum->is_open <= 1u &&
        cusum->n_due <= n_slots && cusum->reserved == 0u) {
        return DASSDP_OK;
    }
    *cusum = (dassdp_cusum_t){.n_held = cusum->n_held};
    return DASSDP_E_VALUE;
}
