/* Pair-based STDP with exponential traces X_j, Y_i, all pairs, from the rasters of a sample:
 * dw[j][i] = a_plus X_j s_i - a_minus s_j Y_i in every step, Y before the spikes of its step. */
#include "stdp.h"

/* Of dassdp_lesson_t, `at`: 1 and the step; 1 and the row, 0 before traces decayed. */
enum { AT_STEP, AT_ROW };

typedef struct {
    const dassdp_stdp_rule_t *rule;
    const dassdp_model_t *model;
    void *state;
    const dassdp_projection_t *projection;
    int16_t *x;        /* traces of the presynaptic neurons */
    int16_t *y;        /* of the postsynaptic ones */
    int16_t *loss;     /* round(a_minus Y_i) */
    int16_t *dw_q8;    /* padded with zeros */
} pass_t;

static void decay(int16_t *traces, uint32_t n, int32_t keep_q15)
{
    for (uint32_t i = 0; i < n; i++) {
        traces[i] = (int16_t)((traces[i] * keep_q15) >> 15);
    }
}

static void add_spikes(int16_t *traces, uint32_t n, int32_t one, const uint32_t *spk_bits)
{
    for (uint32_t i = 0; i < n; i++) {
        traces[i] = dassdp_narrow_s16(traces[i] + (dassdp_bit(spk_bits, i) != 0u ? one : 0));
    }
}

static void learn_row(const pass_t *pass, uint32_t pre_idx, uint32_t has_spike, uint32_t n_post,
                      const uint32_t *post_bits)
{
    const dassdp_projection_t *projection = pass->projection;
    const dassdp_stdp_rule_t *rule = pass->rule;
    const int32_t gain = dassdp_round_s32(rule->amplitude_plus * pass->x[pre_idx],
                                          rule->plus_rshift);
    uint32_t n_changed = 0;
    for (uint32_t i = 0; i < projection->n_post; i++) {
        int32_t dw = (dassdp_bit(post_bits, i) != 0u ? gain : 0) - (has_spike != 0u ? pass->loss[i] : 0);
        pass->dw_q8[i] = dassdp_narrow_s16(dw);
        n_changed += (uint32_t)(dw != 0);
    }
    uint32_t n_tried = has_spike != 0u ? projection->n_post : n_post;
    dassdp_write_row(pass->model, pass->state, projection, pre_idx, pass->dw_q8, n_tried,
                     n_tried - n_changed);
}

/* Traces decay, presynaptic spikes are added. */
static void enter_step(const pass_t *pass, const uint32_t *pre_bits)
{
    const dassdp_projection_t *projection = pass->projection;
    const dassdp_stdp_rule_t *rule = pass->rule;
    decay(pass->x, projection->n_pre, rule->keep_pre_q15);
    add_spikes(pass->x, projection->n_pre, rule->pre_one, pre_bits);
    decay(pass->y, projection->n_post, rule->keep_post_q15);
    for (uint32_t i = 0; i < projection->n_post; i++) {
        pass->loss[i] = dassdp_narrow_s16(
            dassdp_round_s32(rule->amplitude_minus * pass->y[i], rule->minus_rshift));
    }
}

/* Rows from j on; returns where it paused, n_pre where the slice had room for all. */
static uint32_t learn_rows(const pass_t *pass, dassdp_lesson_t *lesson, uint32_t j,
                           const uint32_t *pre_bits, const uint32_t *post_bits)
{
    const dassdp_projection_t *projection = pass->projection;
    uint32_t n_post = 0;
    for (uint32_t w = 0; w < DASSDP_WORDS((uint32_t)projection->n_post); w++) {
        n_post += dassdp_popcount(post_bits[w]);
    }
    for (; j < projection->n_pre; j++) {
        uint32_t has_spike = dassdp_bit(pre_bits, j);
        if (has_spike != 0u || (pass->x[j] != 0 && n_post != 0u)) {
            if (lesson->n_grains == 0u) {
                return j;
            }
            lesson->n_grains--;
            learn_row(pass, j, has_spike, n_post, post_bits);
        }
    }
    return j;
}

/* A step, from where the lesson stands; returns whether the slice had room for it. */
static int learn_step(const pass_t *pass, dassdp_lesson_t *lesson, const uint32_t *pre_bits,
                      const uint32_t *post_bits)
{
    const dassdp_projection_t *projection = pass->projection;
    if (lesson->at[AT_ROW] == 0u) {
        if (lesson->n_grains == 0u) {
            return 0;
        }
        lesson->n_grains--;
        enter_step(pass, pre_bits);
        lesson->at[AT_ROW] = 1;
    }
    uint32_t j = learn_rows(pass, lesson, lesson->at[AT_ROW] - 1u, pre_bits, post_bits);
    if (j != projection->n_pre) {
        lesson->at[AT_ROW] = (uint16_t)(1u + j);
        return 0;
    }
    add_spikes(pass->y, projection->n_post, pass->rule->post_one, post_bits);
    lesson->at[AT_ROW] = 0;
    return 1;
}

void dassdp_stdp_learn(const dassdp_model_t *model, void *state,
                       const dassdp_projection_t *projection)
{
    const dassdp_stdp_rule_t *rule = dassdp_constants(projection);
    const uint32_t pre_words = DASSDP_WORDS((uint32_t)projection->n_pre);
    const uint32_t post_words = DASSDP_WORDS((uint32_t)projection->n_post);
    const uint32_t *pre = dassdp_raster(state, dassdp_pre(model, projection));
    const uint32_t *post = dassdp_raster(state, dassdp_post(model, projection));
    int16_t *traces = dassdp_at(state, rule->traces_off);
    pass_t pass = {.rule = rule,
                   .model = model,
                   .state = state,
                   .projection = projection,
                   .x = traces,
                   .y = traces + projection->n_pre,
                   .loss = dassdp_at(state, rule->losses_off),
                   .dw_q8 = dassdp_row_buffer(state, projection, rule->row_off)};
    dassdp_lesson_t *lesson = dassdp_lesson(model, state);
    if (dassdp_is_first(lesson)) {
        memset(traces, 0, ((uint32_t)projection->n_pre + projection->n_post) * sizeof *traces);
        lesson->at[AT_STEP] = 1;
    }
    for (uint32_t t_step = lesson->at[AT_STEP] - 1u; t_step < model->n_steps; t_step++) {
        if (!learn_step(&pass, lesson, pre + t_step * pre_words, post + t_step * post_words)) {
            lesson->at[AT_STEP] = (uint16_t)(1u + t_step);
            lesson->is_paused = 1;
            return;
        }
    }
}
