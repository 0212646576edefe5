/* Means and names of classes: their copy, the factory's, and what comes from outside. */
#include <string.h>

#include "classes_of.h"

enum { NAME_BYTES = DASSDP_CLASS_NAME_BYTES };

static const uint8_t *name_of(const dassdp_model_t *model, const void *state, uint32_t class_idx)
{
    return dassdp_at_const(state, dassdp_name_off(model, class_idx));
}

static void put_factory(const dassdp_model_t *model, void *state)
{
    const dassdp_classes_t *classes = model->classes;
    const uint32_t n_bytes = (uint32_t)model->n_classes * classes->n_hidden;
    memset(dassdp_at(state, (uint32_t)classes->kept_off), 0, classes->kept_bytes);
    if (n_bytes != 0u) {
        memcpy(dassdp_at(state, (uint32_t)classes->means_off + n_bytes), classes->means, n_bytes);
        memcpy(dassdp_at(state, (uint32_t)classes->seen_off + model->n_classes), classes->seen,
               model->n_classes);
    }
}

/* The ring has no samples of classes that are not taught. */
static int ring_fits(const dassdp_model_t *model, const void *state)
{
    int fits = 1;
    const int32_t seen_off = model->replay == 0 ? -1 : model->replay->seen_off;
    for (uint32_t c = model->classes->n_known; seen_off >= 0 && c < model->n_classes; c++) {
        const uint16_t *seen = dassdp_at_const(state, (uint32_t)seen_off);
        fits &= name_of(model, state, c)[0] != 0u || seen[c] == 0u;
    }
    return fits;
}

/* Samples of classes that are about to be called otherwise leave the ring. kept: means and names to
 * come, NULL: no class is taught. */
static void forget_renamed(const dassdp_model_t *model, void *state, const uint8_t *kept)
{
    uint16_t *seen = dassdp_ring_seen(model, state);
    for (uint32_t c = model->classes->n_known; seen != 0 && c < model->n_classes; c++) {
        const uint8_t *name = name_of(model, state, c);
        uint32_t off = dassdp_name_off(model, c) - (uint32_t)model->classes->kept_off;
        if (kept == 0 ? name[0] != 0u : memcmp(name, kept + off, NAME_BYTES) != 0) {
            seen[c] = 0;
        }
    }
}

void dassdp_taught_keep(const dassdp_model_t *model, void *state, uint32_t what)
{
    const dassdp_classes_t *classes = model->classes;
    void *kept = dassdp_at(state, (uint32_t)classes->kept_off);
    if (what == DASSDP_KEEP_FACTORY) {
        forget_renamed(model, state, 0);
        put_factory(model, state);
    } else if (what == DASSDP_KEEP_PUT_BACK) {
        const uint8_t *copy = dassdp_at(state, (uint32_t)classes->copy_off);
        forget_renamed(model, state, copy);
        memcpy(kept, copy, classes->kept_bytes);
    } else {
        memcpy(dassdp_at(state, (uint32_t)classes->copy_off), kept, classes->kept_bytes);
    }
}

/* Printable, no space at an end, and zeros behind it. */
static int is_name(const uint8_t *name)
{
    uint32_t n = 0;
    int fits = 1;
    for (; n < NAME_BYTES && name[n] != 0u; n++) {
        fits &= name[n] >= ' ' && name[n] <= '~';
    }
    fits &= n == 0u || (name[0] != ' ' && name[n - 1u] != ' ');
    for (; n < NAME_BYTES; n++) {
        fits &= name[n] == 0u;
    }
    return fits;
}

static int is_alone(const dassdp_model_t *model, const void *state, uint32_t class_idx)
{
    const uint8_t *name = name_of(model, state, class_idx);
    for (uint32_t c = class_idx + 1u; name[0] != 0u && c < model->n_classes; c++) {
        if (memcmp(name, name_of(model, state, c), NAME_BYTES) == 0) {
            return 0;
        }
    }
    return 1;
}

int dassdp_taught_check(const dassdp_model_t *model, const void *state)
{
    const dassdp_classes_t *classes = model->classes;
    int fits = 1;
    for (uint32_t i = 0; classes->n_hidden != 0u && i < 2u * model->n_classes; i++) {
        const uint8_t *seen = dassdp_at_const(state, (uint32_t)classes->seen_off + i);
        fits &= *seen < 2u * DASSDP_MEAN_SAMPLES;
    }
    for (uint32_t c = classes->n_known; fits && c < model->n_classes; c++) {
        fits = is_name(name_of(model, state, c)) && is_alone(model, state, c);
    }
    return fits && ring_fits(model, state) ? DASSDP_OK : DASSDP_E_VALUE;
}
