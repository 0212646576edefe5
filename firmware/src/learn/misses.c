/* What the misses of the device decide: step sizes by their running share, and the CUSUM gate, Page's
 * cumulative sum of them; nothing is learned before it reaches a bound. */
#include "dassdp_quantities.h"
#include "fixed.h"
#include "learn.h"
#include "network.h"
#include "state.h"

uint32_t dassdp_error_step_factor(const dassdp_model_t *model, const void *state)
{
    const dassdp_error_step_t *step = model->error_step;
    const dassdp_learning_t *learning = dassdp_at_const(state, (uint32_t)model->learning_off);
    uint32_t factor_q8 = ((uint32_t)learning->miss_share_q8 * step->gain_q4) >> 4;
    factor_q8 = factor_q8 > step->floor_q8 ? factor_q8 : step->floor_q8;
    return factor_q8 < 256u ? factor_q8 : 256u;
}

/* share += round((miss - share) / 2^DASSDP_SHARE_SHIFT) */
void dassdp_error_step_count(const dassdp_model_t *model, void *state, uint32_t label)
{
    uint8_t *share_q8 = &dassdp_learning(model, state)->miss_share_q8;
    int32_t target_q8 = dassdp_class(model, state) == label ? 0 : 256;
    *share_q8 = (uint8_t)(*share_q8 + dassdp_round_s32(target_q8 - *share_q8, DASSDP_SHARE_SHIFT));
}

static dassdp_cusum_t *cusum_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->cusum->state_off);
}

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

/* S = min(opens, max(0, S + miss - allowed)), and what follows. */
static void judge(const dassdp_model_t *model, void *state, uint32_t label)
{
    const dassdp_cusum_rule_t *rule = model->cusum;
    dassdp_cusum_t *cusum = cusum_of(model, state);
    uint32_t is_miss = (uint32_t)(dassdp_class(model, state) != label);
    uint32_t sum_q10 = cusum->sum_q10 + (is_miss << 10);
    sum_q10 = sum_q10 > rule->allowed_q10 ? sum_q10 - rule->allowed_q10 : 0u;
    cusum->sum_q10 = (uint16_t)(sum_q10 < rule->opens_q10 ? sum_q10 : rule->opens_q10);
    if (cusum->is_open == 0u && cusum->sum_q10 == rule->opens_q10) {
        cusum->is_open = 1;
        cusum->n_due = (uint16_t)n_stored(model, state);
    } else if (rule->closes != 0u && cusum->sum_q10 == 0u) {
        cusum->is_open = 0;
    }
    cusum->n_held += (uint32_t)(cusum->is_open == 0u);
}

uint32_t dassdp_cusum_holds(const dassdp_model_t *model, void *state, int32_t label)
{
    if (label != DASSDP_NO_LABEL) {
        judge(model, state, (uint32_t)label);
    }
    return cusum_of(model, state)->is_open == 0u;
}

uint32_t dassdp_cusum_is_open(const dassdp_model_t *model, const void *state)
{
    const dassdp_cusum_t *cusum = dassdp_at_const(state, (uint32_t)model->cusum->state_off);
    return cusum->is_open;
}

uint32_t dassdp_cusum_take_due(const dassdp_model_t *model, void *state)
{
    dassdp_cusum_t *cusum = cusum_of(model, state);
    uint32_t n = cusum->n_due < DASSDP_CATCH_UP ? cusum->n_due : DASSDP_CATCH_UP;
    cusum->n_due = (uint16_t)(cusum->n_due - n);
    return n;
}

int dassdp_cusum_check(const dassdp_model_t *model, const void *state)
{
    const dassdp_replay_rule_t *replay = model->replay;
    const uint32_t n_slots =
        replay == 0 ? 0u : (uint32_t)replay->ring_per_class * model->n_classes;
    const dassdp_cusum_t *cusum = dassdp_at_const(state, (uint32_t)model->cusum->state_off);
    return cusum->sum_q10 <= model->cusum->opens_q10 && cusum->is_open <= 1u &&
                   cusum->n_due <= n_slots && cusum->reserved == 0u
               ? DASSDP_OK
               : DASSDP_E_VALUE;
}
