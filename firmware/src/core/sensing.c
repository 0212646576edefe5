/* What an application asks of a model with a sensor; without one there is nothing to link. */
#include "network.h"
#include "state.h"

int dassdp_read(const dassdp_model_t *model, void *state, const int16_t *counts)
{
    return model->sensor != 0 ? model->sensor->take(model, state, counts) : DASSDP_E_ABSENT;
}

int dassdp_observe(const dassdp_model_t *model, void *state, int32_t label)
{
    if (model->sensor == 0 || model->sensor->observe == 0) {
        return DASSDP_E_ABSENT;
    }
    if (label < 0 || label >= model->n_classes) {
        return DASSDP_E_LABEL;
    }
    return model->sensor->observe(model, state, (uint32_t)label);
}

int dassdp_fit_profile(const dassdp_model_t *model, void *state, dassdp_fit_t *fit)
{
    if (model->sensor == 0 || model->sensor->fit_profile == 0) {
        return DASSDP_E_ABSENT;
    }
    model->sensor->fit_profile(model, state, fit);
    return DASSDP_OK;
}

int dassdp_select_profile(const dassdp_model_t *model, void *state, uint32_t kind)
{
    return model->sensor != 0 ? model->sensor->select(model, state, kind) : DASSDP_E_ABSENT;
}

int dassdp_profile(const dassdp_model_t *model, const void *state, dassdp_profile_t *profile)
{
    if (model->sensor == 0) {
        return DASSDP_E_ABSENT;
    }
    const dassdp_sensor_state_t *own =
        dassdp_at_const(state, (uint32_t)model->sensor->state_off);
    *profile = (dassdp_profile_t){
        .selected = own->selected,
        .stored = own->stored,
        .profile_idx = own->profile_idx,
        .has_learned = own->has_learned,
        .learned_idx = own->learned_idx,
    };
    return DASSDP_OK;
}

void dassdp_note_learning(const dassdp_model_t *model, void *state, int is_updated)
{
    if (model->sensor == 0) {
        return;
    }
    dassdp_sensor_state_t *own = dassdp_sensor_state(model, state);
    dassdp_reading_t *window = dassdp_at(state, (uint32_t)model->sensor->reading_off);
    if (window->n_read < model->sensor->n_readings) {
        window->n_read = 0;
    }
    if (is_updated != 0 && own->has_learned == 0u) {
        own->has_learned = 1;
        own->learned_idx = own->selected != DASSDP_PROFILE_FACTORY ? own->profile_idx : 0u;
    }
}
