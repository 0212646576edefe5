/* Spare classes: outputs without a class until one is taught. */
#include <string.h>

#include "classes_of.h"
#include "dassdp_classes.h"

enum { NAME_BYTES = DASSDP_CLASS_NAME_BYTES };

_Static_assert((int)NAME_BYTES == (int)DASSDP_CLASS_NAME_MOST, "an application's room for a name");

static int has_spares(const dassdp_model_t *model)
{
    return dassdp_classes(model) != 0 && model->classes->names_off >= 0;
}

int dassdp_spare_is_known(const dassdp_model_t *model, const void *state, uint32_t class_idx)
{
    return class_idx < model->classes->n_known ||
           *(const char *)dassdp_at_const(state, dassdp_name_off(model, class_idx)) != '\0';
}

void dassdp_spare_mask(const dassdp_model_t *model, void *state)
{
    int32_t *logits = dassdp_sums(model, state);
    for (uint32_t c = model->classes->n_known; c < model->n_classes; c++) {
        if (model->classes->n_hidden != 0u || !dassdp_spare_is_known(model, state, c)) {
            logits[c] = INT32_MIN;
        }
    }
}

/* Bytes of a name, zero padded; 0 for what is none. */
static uint32_t padded(const char *name, char *bytes)
{
    uint32_t n = 0;
    memset(bytes, 0, NAME_BYTES);
    for (; n < NAME_BYTES && name[n] != '\0'; n++) {
        if (name[n] < ' ' || name[n] > '~') {
            return 0;
        }
        bytes[n] = name[n];
    }
    int is_whole = n != 0u && name[n] == '\0' && bytes[0] != ' ' && bytes[n - 1u] != ' ';
    return is_whole ? n : 0u;
}

int dassdp_new_class(const dassdp_model_t *model, void *state, const char *name)
{
    char bytes[NAME_BYTES];
    if (!has_spares(model)) {
        return DASSDP_E_ABSENT;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    if (padded(name, bytes) == 0u) {
        return DASSDP_E_VALUE;
    }
    uint32_t free = model->n_classes;
    for (uint32_t c = model->n_classes; c > model->classes->n_known; c--) {
        const char *taken = dassdp_at(state, dassdp_name_off(model, c - 1u));
        if (taken[0] == '\0') {
            free = c - 1u;
        } else if (memcmp(taken, bytes, NAME_BYTES) == 0) {
            return DASSDP_E_VALUE;
        }
    }
    if (free == model->n_classes) {
        return DASSDP_E_INDEX;
    }
    memcpy(dassdp_at(state, dassdp_name_off(model, free)), bytes, NAME_BYTES);
    dassdp_progress(model, state)->phase = DASSDP_RUNNING;
    return (int)free;
}

/* Whether a class was taught, or why it cannot be asked for. */
static int check_taught(const dassdp_model_t *model, const void *state, uint32_t class_idx)
{
    if (!has_spares(model)) {
        return DASSDP_E_ABSENT;
    }
    int is_taught = class_idx >= model->classes->n_known && class_idx < model->n_classes &&
                    dassdp_spare_is_known(model, state, class_idx);
    return is_taught ? DASSDP_OK : DASSDP_E_LABEL;
}

/* Factory weights of a spare class are 0. */
static void clear_weights(const dassdp_model_t *model, void *state, uint32_t class_idx)
{
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->post == model->readout && projection->image_off >= 0) {
            for (uint32_t j = 0; j < projection->n_pre; j++) {
                (void)dassdp_weight_set(model, state, p, j, class_idx, 0);
            }
        }
    }
}

int dassdp_forget_class(const dassdp_model_t *model, void *state, uint32_t class_idx)
{
    int status = check_taught(model, state, class_idx);
    if (status == DASSDP_OK && dassdp_is_learning(model, state)) {
        status = DASSDP_E_ORDER;
    }
    if (status != DASSDP_OK) {
        return status;
    }
    const dassdp_classes_t *classes = model->classes;
    clear_weights(model, state, class_idx);
    memset(dassdp_at(state, dassdp_name_off(model, class_idx)), 0, NAME_BYTES);
    if (classes->n_hidden != 0u) {
        for (uint32_t row = class_idx; row < 2u * model->n_classes; row += model->n_classes) {
            memset((uint8_t *)dassdp_at(state, (uint32_t)classes->means_off)
                       + row * classes->n_hidden, 0, classes->n_hidden);
            *(uint8_t *)dassdp_at(state, (uint32_t)classes->seen_off + row) = 0;
        }
        ((int32_t *)dassdp_at(state, (uint32_t)classes->limits_off))[class_idx - classes->n_known] =
            0;
    }
    uint16_t *seen = dassdp_ring_seen(model, state);
    if (seen != 0) {
        seen[class_idx] = 0;
    }
    dassdp_progress(model, state)->phase = DASSDP_RUNNING;
    return DASSDP_OK;
}

int dassdp_class_name(const dassdp_model_t *model, const void *state, uint32_t class_idx,
                      char *name)
{
    int status = check_taught(model, state, class_idx);
    if (status != DASSDP_OK) {
        return status;
    }
    int n = 0;
    const char *taken = dassdp_at_const(state, dassdp_name_off(model, class_idx));
    for (; n < NAME_BYTES && taken[n] != '\0'; n++) {
        name[n] = taken[n];
    }
    name[n] = '\0';
    return n;
}
