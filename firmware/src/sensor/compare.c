/* Windows of a model's sensor, one after another: how it has drifted, and what follows. */
#include "drift.h"
#include "dassdp_quantities.h"
#include "sensor.h"

static dassdp_drift_memory_t memory_of(const dassdp_model_t *model, void *state)
{
    const dassdp_drift_t *drift = model->sensor->drift;
    int16_t *row = dassdp_at(state, (uint32_t)drift->rows_off);
    return (dassdp_drift_memory_t){
        .state = dassdp_at(state, (uint32_t)drift->state_off),
        .ring_q8 = dassdp_at(state, (uint32_t)drift->ring_off),
        .kept = dassdp_at(state, (uint32_t)drift->kept_off),
        .sums = dassdp_at(state, (uint32_t)drift->sums_off),
        .last = row,
        .rows = row + dassdp_row_length(drift),
    };
}

__attribute__((weak)) void dassdp_on_drift(const dassdp_model_t *model, void *state, int event)
{
    (void)model;
    (void)state;
    (void)event;
}

int dassdp_drift_compare(const dassdp_model_t *model, void *state)
{
    uint32_t kind = DASSDP_PROFILE_FACTORY;
    dassdp_drift_memory_t memory = memory_of(model, state);
    int is_searching = memory.state->is_allowed != 0u
                       && dassdp_sensor_state(model, state)->selected == DASSDP_PROFILE_FACTORY;
    int event = dassdp_drift_window(model->sensor->drift, &memory, is_searching,
                                    dassdp_stored_profile(model, state), &kind);
    if (event == DASSDP_PROFILE_TAKEN) {
        dassdp_use_stored(model, state, kind);
    }
    if (event != 0) {
        dassdp_on_drift(model, state, event);
    }
    return event;
}

void dassdp_drift_forget(const dassdp_model_t *model, void *state)
{
    dassdp_drift_memory_t memory = memory_of(model, state);
    dassdp_drift_rest(&memory);
}
