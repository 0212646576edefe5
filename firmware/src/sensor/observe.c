/* What labelled samples say of how the sensor is worn, and the orientation fitted to it. */
#include "dassdp_quantities.h"
#include "fixed.h"
#include "orientation.h"
#include "sensor.h"
#include "state.h"

static int32_t *sums_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->sensor->sums_off);
}

static uint16_t *seen_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->sensor->seen_off);
}

void dassdp_sensor_observe(const dassdp_model_t *model, void *state, uint32_t label)
{
    const dassdp_sensor_t *sensor = model->sensor;
    const dassdp_reading_t *reading = dassdp_at(state, (uint32_t)sensor->reading_off);
    int32_t *sums = sums_of(model, state) + 3u * label;
    uint16_t *n_seen = seen_of(model, state) + label;
    if (sensor->class_means[3u * label] == INT16_MIN || *n_seen == UINT16_MAX) {
        return;
    }
    for (uint32_t k = 0; k < 3u; k++) {
        sums[k] += dassdp_div_round_s32(reading->sums[k], sensor->n_readings);
    }
    (*n_seen)++;
}

int dassdp_sensor_check_observed(const dassdp_model_t *model, const void *state)
{
    const dassdp_sensor_t *sensor = model->sensor;
    const int32_t *sums = dassdp_at_const(state, (uint32_t)sensor->sums_off);
    const uint16_t *n_seen = dassdp_at_const(state, (uint32_t)sensor->seen_off);
    for (uint32_t i = 0; i < 3u * model->n_classes; i++) {
        int32_t n = n_seen[i / 3u];
        int is_unknown = sensor->class_means[i - i % 3u] == INT16_MIN; /* to the factory */
        if ((is_unknown && n != 0) || sums[i] < INT16_MIN * n || sums[i] > INT16_MAX * n) {
            return DASSDP_E_VALUE;
        }
    }
    return DASSDP_OK;
}

void dassdp_sensor_fit(const dassdp_model_t *model, void *state, dassdp_fit_t *fit)
{
    const dassdp_observed_t observed = {
        .then = model->sensor->class_means,
        .sums = sums_of(model, state),
        .n_seen = seen_of(model, state),
        .n_classes = model->n_classes,
        .unit = model->sensor->unit,
    };
    dassdp_orientation_t made;
    dassdp_fit_orientation(&observed, &made);
    if (made.verdict == DASSDP_FIT_TAKEN) {
        dassdp_store_orientation(model, state, &made.turn);
    }
    *fit = (dassdp_fit_t){
        .verdict = made.verdict,
        .n_classes = made.n_classes,
        .residual = made.residual,
        .residual_factory = made.residual_factory,
    };
}
