/* EIHL-inspired alternation of two phases: w <- sign(w) max(|w| - b, 0) with b growing in the phase, and
 * the error rule. Connectivity, the weights that are not 0, ends them. */
#include <string.h>

#include "fixed.h"
#include "kernels.h"
#include "rules.h"
#include "state.h"

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
    dassdp_learning_t *learning = dassdp_learning(model, state);
    int16_t *dw_q8 = dassdp_at(state, model->row_off);
    void *image = dassdp_at(state, (uint32_t)projection->image_off);
    dassdp_row_t row = dassdp_first_row(image);
    const uint32_t to_q8 = projection->weight_bits == 16u ? 0u : 8u;
    memset(dw_q8, 0, DASSDP_COLUMNS((uint32_t)projection->n_post) * sizeof *dw_q8);
    for (uint32_t j = 0; j < projection->n_pre; j++, row += projection->row_bytes) {
        uint32_t n_tried = 0;
        for (uint32_t i = 0; i < projection->n_post; i++) {
            int32_t w_q8 =
                dassdp_lshift_s32(dassdp_weight(projection, image, j, i), to_q8);
            dw_q8[i] = dassdp_narrow_s16(-dassdp_clip_s32(w_q8, -b_q8, b_q8));
            n_tried += (uint32_t)(w_q8 != 0);
        }
        learning->n_updates += n_tried;
        learning->n_vanished += b_q8 == 0 ? n_tried : 0u;
        if (b_q8 != 0 && n_tried != 0u) {
            projection->learn_rows(projection, &row, 1, dw_q8, &learning->rng, image);
        }
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

int dassdp_rule_eihl(const dassdp_model_t *model, void *state,
                     const dassdp_projection_t *projection)
{
    const dassdp_eihl_rule_t *rule = projection->eihl_rule;
    const void *image = dassdp_image(projection, state);
    dassdp_eihl_t *phase = dassdp_at(state, (uint32_t)rule->state_off);
    if (phase->n_samples == 0u && phase->b_q16 == 0u) {
        phase->n_connected = n_connected(projection, image);
    }
    uint32_t b_q16 = phase->b_q16 + rule->growth_q16;
    phase->b_q16 = b_q16 < rule->most_q16 ? b_q16 : rule->most_q16;
    if (phase->kind == CONTRACTION) {
        contract(model, state, projection, (int32_t)(phase->b_q16 >> 8));
    } else {
        (void)dassdp_rule_error(model, state, projection);
    }
    phase->n_samples++;
    if (phase->n_samples >= rule->period) {
        look_at_connectivity(phase, n_connected(projection, image));
    }
    return DASSDP_OK;
}
