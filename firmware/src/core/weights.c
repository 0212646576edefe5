/* Weights by natural index, whatever the image's lane order and bias; copies of all plastic ones. */
#include <string.h>

#include "kernels.h"
#include "state.h"

static int check_index(const dassdp_model_t *model, const void *state, uint32_t projection_idx,
                       uint32_t pre_idx, uint32_t post_idx)
{
    if (projection_idx >= model->n_projections) {
        return DASSDP_E_INDEX;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    const dassdp_projection_t *projection = &model->projections[projection_idx];
    return pre_idx < projection->n_pre && post_idx < projection->n_post ? DASSDP_OK
                                                                        : DASSDP_E_INDEX;
}

int dassdp_weight_get(const dassdp_model_t *model, const void *state, uint32_t projection_idx,
                      uint32_t pre_idx, uint32_t post_idx, int32_t *w)
{
    int status = check_index(model, state, projection_idx, pre_idx, post_idx);
    if (status != DASSDP_OK) {
        return status;
    }
    const dassdp_projection_t *projection = &model->projections[projection_idx];
    *w = dassdp_weight(projection, dassdp_image(projection, state), pre_idx, post_idx);
    return DASSDP_OK;
}

int dassdp_weight_set(const dassdp_model_t *model, void *state, uint32_t projection_idx,
                      uint32_t pre_idx, uint32_t post_idx, int32_t w)
{
    int status = check_index(model, state, projection_idx, pre_idx, post_idx);
    if (status != DASSDP_OK) {
        return status;
    }
    const dassdp_projection_t *projection = &model->projections[projection_idx];
    if (projection->image_off < 0) {
        return DASSDP_E_FROZEN;
    }
    int32_t bound = (int32_t)(1u << (projection->weight_bits - 1u));
    if (w < -bound || w >= bound) {
        return DASSDP_E_VALUE;
    }
    uint8_t *row = dassdp_at(state, (uint32_t)projection->image_off);
    row += pre_idx * projection->row_bytes;
    if (projection->weight_bits == 16u) {
        ((int16_t *)(void *)row)[post_idx] = (int16_t)w;
    } else {
        uint32_t shift;
        uint8_t *at = row + dassdp_byte_of(projection, post_idx, &shift);
        const uint32_t mask = (2u * (uint32_t)bound - 1u) << shift;
        *at = (uint8_t)((*at & ~mask) | ((uint32_t)(w + bound) << shift));
    }
    return DASSDP_OK;
}

uint32_t dassdp_n_saturated(const dassdp_model_t *model, const void *state)
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        int32_t bound = (int32_t)(1u << (projection->weight_bits - 1u));
        for (uint32_t j = 0; projection->image_off >= 0 && j < projection->n_pre; j++) {
            for (uint32_t i = 0; i < projection->n_post; i++) {
                int32_t w = 0;
                (void)dassdp_weight_get(model, state, p, j, i, &w);
                n += (uint32_t)(w == -bound || w == bound - 1);
            }
        }
    }
    return n;
}

void dassdp_restore_weights(const dassdp_model_t *model, void *state, uint32_t from_copy)
{
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->image_off >= 0) {
            const void *source = projection->factory;
            if (from_copy != 0u) {
                source = dassdp_at(state, (uint32_t)projection->saved_off);
            }
            memcpy(dassdp_at(state, (uint32_t)projection->image_off), source,
                   projection->n_pre * projection->row_bytes);
        }
    }
}

/* Whether there is a copy; NULL where the model keeps none. */
static uint32_t *has_saved(const dassdp_model_t *model, void *state)
{
    return model->guard == 0 || model->guard->has_saved_off < 0
               ? 0
               : dassdp_at(state, (uint32_t)model->guard->has_saved_off);
}

int dassdp_save(const dassdp_model_t *model, void *state)
{
    uint32_t *is_saved = has_saved(model, state);
    if (is_saved == 0) {
        return DASSDP_E_ABSENT;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->image_off >= 0) {
            memcpy(dassdp_at(state, (uint32_t)projection->saved_off),
                   dassdp_image(projection, state), projection->n_pre * projection->row_bytes);
        }
    }
    if (dassdp_classes(model) != 0) {
        model->classes->keep(model, state, DASSDP_KEEP_COPY);
    }
    *is_saved = 1;
    return DASSDP_OK;
}

int dassdp_rollback(const dassdp_model_t *model, void *state)
{
    const uint32_t *is_saved = has_saved(model, state);
    if (is_saved == 0) {
        return DASSDP_E_ABSENT;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    dassdp_restore_weights(model, state, *is_saved);
    if (dassdp_classes(model) != 0) {
        model->classes->keep(model, state,
                             *is_saved != 0u ? DASSDP_KEEP_PUT_BACK : DASSDP_KEEP_FACTORY);
    }
    return DASSDP_OK;
}
