/* Error-modulated rules: k_i = clip(round(err_i r)), dw[j][i] = k_i n_j g[|t_i - t_j|]. */
#include <string.h>

#include "fixed.h"
#include "kernels.h"
#include "rules.h"
#include "state.h"

/* r = amplitude // (1 + sum of n_j^2): the step does not grow with activity. */
static uint32_t normalized_step(const dassdp_error_rule_t *rule, const dassdp_record_t *pre)
{
    uint32_t n_squared = 1;
    for (uint32_t j = 0; j < pre->n; j++) {
        uint32_t n_j = dassdp_field_get(pre->count, j, pre->bits);
        n_squared += n_j * n_j;
    }
    uint32_t r = rule->amplitude / n_squared;
    return r < rule->r_max ? r : rule->r_max;
}

int dassdp_rule_error(const dassdp_model_t *model, void *state,
                      const dassdp_projection_t *projection)
{
    const dassdp_error_rule_t *rule = projection->error_rule;
    const dassdp_population_t *post = &model->populations[projection->post];
    dassdp_learning_t *learning = dassdp_learning(model, state);
    dassdp_record_t pre = dassdp_record(model, state, &model->populations[projection->pre],
                                        learning->batch_idx);
    const int16_t *err = dassdp_at_const(state, (uint32_t)post->error_off);
    int32_t r = (int32_t)normalized_step(rule, &pre);

    uint32_t n_columns = DASSDP_COLUMNS(projection->n_post);
    int16_t *k = dassdp_at(state, model->scratch_off);
    uint32_t n_tried = 0;
    memset(k, 0, n_columns * sizeof *k);
    for (uint32_t i = 0; i < projection->n_post; i++) {
        int32_t k_i = dassdp_round_s32(err[i] * r, rule->k_rshift);
        k[i] = (int16_t)dassdp_clip_s32(k_i, -rule->k_max, rule->k_max);
        n_tried += (uint32_t)(k[i] != 0);
    }
    if (n_tried == 0u) {
        return DASSDP_OK;
    }
    uint8_t *latency_post = dassdp_at(state, model->batch_off);
    memset(latency_post, 0, n_columns);
    if (rule->g_q7 != 0) {
        dassdp_record_t record = dassdp_record(model, state, post, learning->batch_idx);
        for (uint32_t i = 0; i < record.n; i++) {
            if (k[i] != 0) { /* it fired: its latency is a step, not the silent mark */
                latency_post[i] = (uint8_t)dassdp_field_get(record.latency, i, record.bits);
            }
        }
    }
    int16_t *dw_q8 = dassdp_at(state, model->row_off);
    void *image = dassdp_at(state, (uint32_t)projection->image_off);
    for (uint32_t j = 0; j < pre.n; j++) {
        uint32_t n_j = dassdp_field_get(pre.count, j, pre.bits);
        if (n_j != 0u) {
            uint32_t latency =
                rule->g_q7 == 0 ? 0u : dassdp_field_get(pre.latency, j, pre.bits);
            learning->n_vanished += dassdp_k_update_row(rule, dw_q8, k, n_columns, n_j,
                                                        latency_post, latency);
            learning->n_saturated +=
                dassdp_k_learn_row(projection, image, j, dw_q8, k, &learning->rng);
            learning->n_updates += n_tried;
        }
    }
    return DASSDP_OK;
}
