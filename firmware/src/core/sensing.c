/* What an application asks of a model with a sensor; without one there is nothing to link. */
#include "network.h"
#include "state.h"

/* What changes the state of a sensor waits for the end of a lesson. */
static int check(const dassdp_model_t *model, const void *state)
{
    if (dassdp_sensor(model) == 0) {
        return DASSDP_E_ABSENT;
    }
    return dassdp_is_learning(model, state) ? DASSDP_E_ORDER : DASSDP_OK;
}

int dassdp_read(const dassdp_model_t *model, void *state, const int16_t *counts)
{
    int status = check(model, state);
    return status == DASSDP_OK ? model->sensor->take(model, state, counts) : status;
}

int dassdp_observe(const dassdp_model_t *model, void *state, int32_t label)
{
    const dassdp_sensor_t *sensor = dassdp_sensor(model);
    if (sensor == 0 || (sensor->observe == 0 && sensor->compare == 0)) {
        return DASSDP_E_ABSENT;
    }
    if (label < DASSDP_NO_LABEL || label >= model->n_classes
        || (label == DASSDP_NO_LABEL && sensor->compare == 0)) {
        return DASSDP_E_LABEL;
    }
    dassdp_reading_t *reading = dassdp_at(state, (uint32_t)sensor->reading_off);
    if (reading->is_observable == 0u || dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    reading->is_observable = 0;
    if (label != DASSDP_NO_LABEL && sensor->observe != 0) {
        sensor->observe(model, state, (uint32_t)label);
    }
    return sensor->compare != 0 ? sensor->compare(model, state) : DASSDP_OK;
}

int dassdp_drift(const dassdp_model_t *model, const void *state, dassdp_drift_report_t *report)
{
    if (dassdp_sensor(model) == 0 || model->sensor->drift == 0) {
        return DASSDP_E_ABSENT;
    }
    const dassdp_drift_state_t *drift =
        dassdp_at_const(state, (uint32_t)model->sensor->drift->state_off);
    *report = (dassdp_drift_report_t){
        .n_windows = drift->n_windows,
        .is_alarm = drift->is_on,
        .median_q8 = drift->median_q8,
        .n_alarms = drift->n_alarms,
        .n_profiles = drift->n_profiles,
        .is_allowed = drift->is_allowed,
    };
    return DASSDP_OK;
}

int dassdp_allow_profile(const dassdp_model_t *model, void *state, int is_allowed)
{
    const dassdp_drift_t *drift = dassdp_sensor(model) != 0 ? model->sensor->drift : 0;
    if (drift == 0 || drift->search == 0) {
        return DASSDP_E_ABSENT;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    dassdp_drift_state_t *own = dassdp_at(state, (uint32_t)drift->state_off);
    dassdp_drift_kept_t *kept = dassdp_at(state, (uint32_t)drift->kept_off);
    own->is_allowed = is_allowed != 0 ? 1u : 0u;
    *kept = (dassdp_drift_kept_t){0};
    return DASSDP_OK;
}

int dassdp_fit_profile(const dassdp_model_t *model, void *state, dassdp_fit_t *fit)
{
    if (dassdp_sensor(model) == 0 || model->sensor->fit_profile == 0) {
        return DASSDP_E_ABSENT;
    }
    int status = check(model, state);
    if (status == DASSDP_OK) {
        model->sensor->fit_profile(model, state, fit);
    }
    return status;
}

int dassdp_select_profile(const dassdp_model_t *model, void *state, uint32_t kind)
{
    int status = check(model, state);
    return status == DASSDP_OK ? model->sensor->select(model, state, kind) : status;
}

int dassdp_profile(const dassdp_model_t *model, const void *state, dassdp_profile_t *profile)
{
    if (dassdp_sensor(model) == 0) {
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

void dassdp_restart_sample(const dassdp_model_t *model, void *state)
{
    if (dassdp_sensor(model) != 0) {
        dassdp_reading_t *reading = dassdp_at(state, (uint32_t)model->sensor->reading_off);
        reading->n_read = 0;
    }
}

void dassdp_note_learning(const dassdp_model_t *model, void *state, int is_updated)
{
    if (dassdp_sensor(model) == 0) {
        return;
    }
    dassdp_sensor_state_t *own = dassdp_sensor_state(model, state);
    dassdp_restart_sample(model, state);
    if (is_updated != 0 && own->has_learned == 0u) {
        own->has_learned = 1;
        own->learned_idx = own->selected != DASSDP_PROFILE_FACTORY ? own->profile_idx : 0u;
    }
}
