/* EIHL-inspired alternation of two phases: w <- sign(w) max(|w| - b, 0) with b growing in the phase, and
 * the error rule. Connectivity, the weights that are not 0, ends them. */
#include "eihl.h"

enum { CONTRACTION = 0, ERROR_DRIVEN = 1 };

static uint32_t n_connected(const dassdp_projection_t *projection, const void *image)
{
    uint32_t n = 0;
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        for (uint32_t i = 0; i < projection->n_post; i++) {
            n += (uint32_t)(dassdp_weight(projection, image, j, i) != 0);
        }
    }
    return n;
}

/* dw_q8 = -sign(w) min(b_q8, |w_q8|) */
static void contract(const dassdp_model_t *model, void *state,
                     const dassdp_projection_t *projection, int32_t b_q8)
{
    const dassdp_eihl_rule_t *rule = dassdp_constants(projection);
    const void *image = dassdp_plastic_image(state, projection);
    const uint32_t to_q8 = projection->weight_bits == 16u ? 0u : 8u;
    int16_t *dw_q8 = dassdp_row_buffer(state, projection, rule->factors.row_off);
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        uint32_t n_tried = 0;
        for (uint32_t i = 0; i < projection->n_post; i++) {
            int32_t w_q8 =
                dassdp_lshift_s32(dassdp_weight(projection, image, j, i), to_q8);
            dw_q8[i] = dassdp_narrow_s16(-dassdp_clip_s32(w_q8, -b_q8, b_q8));
            n_tried += (uint32_t)(w_q8 != 0);
        }
        dassdp_write_row(model, state, projection, j, dw_q8, n_tried, b_q8 == 0 ? n_tried : 0u);
    }
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

void dassdp_eihl_learn(const dassdp_model_t *model, void *state,
                       const dassdp_projection_t *projection)
{
    const dassdp_eihl_rule_t *rule = dassdp_constants(projection);
    const void *image = dassdp_plastic_image(state, projection);
    dassdp_eihl_t *phase = dassdp_at(state, rule->phase_off);
    if (phase->n_samples == 0u && phase->b_q16 == 0u) {
        phase->n_connected = n_connected(projection, image);
    }
    uint32_t b_q16 = phase->b_q16 + rule->growth_q16;
    phase->b_q16 = b_q16 < rule->most_q16 ? b_q16 : rule->most_q16;
    if (phase->kind == CONTRACTION) {
        contract(model, state, projection, (int32_t)(phase->b_q16 >> 8));
    } else {
        dassdp_factors_learn(&rule->factors, model, state, projection);
    }
    phase->n_samples++;
    if (phase->n_samples >= rule->period) {
        look_at_connectivity(phase, n_connected(projection, image));
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
