/* The plastic part run again: what comes before it does not change as the network learns. */
#include <string.h>

#include "kernels.h"
#include "learn.h"
#include "network.h"
#include "state.h"

/* What a population of the cut fired in one step. */
static void enter(void *state, const dassdp_population_t *population, uint32_t t_step)
{
    uint32_t row_bytes = DASSDP_WORDS((uint32_t)population->n_neurons) * 4u;
    memcpy(dassdp_at(state, (uint32_t)population->spk_off),
           dassdp_at(state, (uint32_t)population->raster_off + t_step * row_bytes), row_bytes);
    if (population->dynamics != 0) {
        population->dynamics->remember(population, state, t_step);
    }
}

/* The plastic part as at the start of a sample. */
static void rest(const dassdp_model_t *model, void *state)
{
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        if (population->is_plastic_part != 0u) {
            dassdp_rest_population(model, state, population);
        } else if (population->is_cut != 0u) {
            memset(dassdp_at(state, (uint32_t)population->spk_off), 0,
                   DASSDP_WORDS((uint32_t)population->n_neurons) * 4u);
        }
    }
}

static void step(const dassdp_model_t *model, void *state, uint32_t t_step)
{
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        if (population->is_plastic_part != 0u) {
            population->advance(state, t_step);
        } else if (population->is_cut != 0u) {
            enter(state, population, t_step);
        }
    }
}

int dassdp_rerun(const dassdp_model_t *model, void *state, uint32_t uses_factory)
{
    dassdp_progress_t *progress = dassdp_progress(model, state);
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    const uint32_t begin = lesson->t_step, n_left = model->n_steps - begin;
    const uint32_t n_room = dassdp_room(lesson, model->rerun_grain);
    const uint32_t n = n_left < n_room ? n_left : n_room;
    progress->uses_factory = (uint8_t)uses_factory;
    if (begin == 0u) {
        rest(model, state);
    }
    for (uint32_t t_step = begin; t_step < begin + n; t_step++) {
        step(model, state, t_step);
    }
    progress->uses_factory = 0;
    dassdp_spend(lesson, n, model->rerun_grain);
    const dassdp_classes_t *classes = dassdp_classes(model);
    if (n == n_left && classes != 0 && classes->mask != 0) {
        classes->mask(model, state);
    }
    lesson->t_step = n == n_left ? 0u : (uint16_t)(begin + n);
    return n == n_left;
}
