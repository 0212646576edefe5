/* EIHL-inspired alternation of two phases: w <- sign(w) max(|w| - b, 0) with b growing in the phase, and
 * the error rule. Connectivity, the weights that are not 0, ends them. */
#include "eihl.h"

enum { CONTRACTION = 0, ERROR_DRIVEN = 1 };
/* Of dassdp_slices_t, `at`: what is next; its row. Those before are the error rule's. */
enum { AT_PART = 8, AT_ROW = 9 };
enum { BEGIN, CHANGE, COUNT };

/* A row is done; returns whether the slice is over. */
static int pauses(dassdp_slices_t *lesson, uint32_t row)
{
    lesson->at[AT_ROW] = (uint16_t)row;
    lesson->n_grains--;
    lesson->is_paused = lesson->n_grains == 0u;
    return lesson->is_paused != 0u;
}

/* Adds those that are not 0 to lesson->sum, from the row that it stands at; returns whether the slice
 * had room for all. */
static int count_connected(void *state, const dassdp_projection_t *projection,
                           dassdp_slices_t *lesson)
{
    const dassdp_eihl_rule_t *rule = dassdp_constants(projection);
    int16_t *w = dassdp_at(state, rule->factors.row_off);
    if (lesson->n_grains == 0u) { /* the error rule took the last one */
        lesson->is_paused = 1;
        return 0;
    }
    for (uint32_t j = lesson->at[AT_ROW]; j < projection->n_pre; j++) {
        uint32_t n = 0;
        dassdp_read_row(projection, dassdp_plastic_image(state, projection), j, w);
        for (uint32_t i = 0; i < projection->n_post; i++) {
            n += (uint32_t)(w[i] != 0);
        }
        lesson->sum += n;
        if (pauses(lesson, j + 1u)) {
            return 0;
        }
    }
    lesson->at[AT_ROW] = 0;
    return 1;
}

/* dw_q8 = -sign(w) min(b_q8, |w_q8|); returns whether the slice had room for all rows. */
static int contract(const dassdp_model_t *model, void *state,
                    const dassdp_projection_t *projection, int32_t b_q8)
{
    const dassdp_eihl_rule_t *rule = dassdp_constants(projection);
    const uint32_t to_q8 = projection->weight_bits == 16u ? 0u : 8u;
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    int16_t *dw_q8 = dassdp_at(state, rule->factors.row_off);
    for (uint32_t j = lesson->at[AT_ROW]; j < projection->n_pre; j++) {
        uint32_t n_tried = 0;
        dassdp_read_row(projection, dassdp_plastic_image(state, projection), j, dw_q8);
        for (uint32_t i = 0; i < projection->n_post; i++) {
            int32_t w_q8 = dassdp_lshift_s32(dw_q8[i], to_q8);
            dw_q8[i] = dassdp_narrow_s16(-dassdp_clip_s32(w_q8, -b_q8, b_q8));
            n_tried += (uint32_t)(w_q8 != 0);
        }
        dassdp_write_row(model, state, projection, j, dw_q8, n_tried, b_q8 == 0 ? n_tried : 0u);
        if (pauses(lesson, j + 1u)) {
            return 0;
        }
    }
    lesson->at[AT_ROW] = 0;
    return 1;
}

/* Ends the phase if connectivity changed its way since it began. */
static void look_at_connectivity(dassdp_eihl_t *phase, uint32_t n_now)
{
    phase->n_samples = 0;
    if (phase->kind == CONTRACTION ? n_now < phase->n_connected : n_now > phase->n_connected) {
        *phase = (dassdp_eihl_t){
            .kind = phase->kind == CONTRACTION ? ERROR_DRIVEN : CONTRACTION,
        };
    }
}

/* The threshold grows, a phase that begins knows its connectivity. */
static void begin(const dassdp_eihl_rule_t *rule, dassdp_eihl_t *phase, dassdp_slices_t *lesson)
{
    if (phase->n_samples == 0u && phase->b_q16 == 0u) {
        phase->n_connected = lesson->sum;
    }
    uint32_t b_q16 = phase->b_q16 + rule->growth_q16;
    phase->b_q16 = b_q16 < rule->most_q16 ? b_q16 : rule->most_q16;
    lesson->sum = 0;
    lesson->at[AT_PART] = CHANGE;
}

/* What its phase does to the weights; returns whether the slice had room for it. */
static int change(const dassdp_model_t *model, void *state, const dassdp_projection_t *projection,
                  const dassdp_eihl_t *phase)
{
    const dassdp_eihl_rule_t *rule = dassdp_constants(projection);
    if (phase->kind == CONTRACTION) {
        return contract(model, state, projection, (int32_t)(phase->b_q16 >> 8));
    }
    dassdp_factors_learn(&rule->factors, model, state, projection);
    return dassdp_slices(model, state)->is_paused == 0u;
}

void dassdp_eihl_learn(const dassdp_model_t *model, void *state,
                       const dassdp_projection_t *projection)
{
    const dassdp_eihl_rule_t *rule = dassdp_constants(projection);
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    dassdp_eihl_t *phase = dassdp_at(state, rule->phase_off);
    int is_new = phase->n_samples == 0u && phase->b_q16 == 0u;
    lesson->is_paused = 0;
    if (lesson->at[AT_PART] == BEGIN) {
        if (is_new && !count_connected(state, projection, lesson)) {
            return;
        }
        begin(rule, phase, lesson);
    }
    if (lesson->at[AT_PART] == CHANGE) {
        if (!change(model, state, projection, phase)) {
            return;
        }
        phase->n_samples++;
        lesson->at[AT_PART] = COUNT;
    }
    if (phase->n_samples >= rule->period && count_connected(state, projection, lesson)) {
        look_at_connectivity(phase, lesson->sum);
    }
}

int dassdp_eihl_check(const dassdp_model_t *model, const void *state,
                      const dassdp_projection_t *projection)
{
    const dassdp_eihl_rule_t *rule = dassdp_constants(projection);
    const dassdp_eihl_t *phase = dassdp_at_const(state, rule->phase_off);
    (void)model;
    return phase->kind <= ERROR_DRIVEN && phase->n_samples < rule->period &&
                   phase->b_q16 <= rule->most_q16
               ? DASSDP_OK
               : DASSDP_E_VALUE;
}
