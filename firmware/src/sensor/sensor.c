/* Readings of a sensor become samples; which profile they go through. */
#include "sensor.h"

#include "dassdp_quantities.h"
#include "fixed.h"
#include "state.h"
#include "window.h"

enum { MOST_CODE = 127, NOT_ORTHOGONAL = 1 << 24 };

int16_t *dassdp_stored_profile(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->sensor->profile_off);
}

static dassdp_reading_t *reading_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->sensor->reading_off);
}

/* Three channels become Q times themselves, and det times that where they are axial. */
static void turn(const dassdp_triad_t *triad, const int16_t *profile, int16_t *counts)
{
    const int16_t *q_q14 = profile + DASSDP_PROFILE_Q_Q14;
    int16_t *at[3] = {counts + triad->x, counts + triad->y, counts + triad->z};
    int32_t sign = triad->is_axial != 0u ? profile[DASSDP_PROFILE_DET] : 1;
    int32_t x = *at[0], y = *at[1], z = *at[2];
    for (uint32_t k = 0; k < 3u; k++, q_q14 += 3) {
        int32_t sum = q_q14[0] * x + q_q14[1] * y + q_q14[2] * z;
        *at[k] = dassdp_saturate_s16(sign * dassdp_round_s32(sum, 14));
    }
}

static void wear(const dassdp_sensor_t *sensor, const int16_t *profile, int16_t *counts)
{
    const int16_t *gain_q12 = profile + DASSDP_PROFILE_CHANNEL;
    const int16_t *offset = gain_q12 + sensor->n_channels;
    for (uint32_t t = 0; t < sensor->n_triads; t++) {
        turn(&sensor->triads[t], profile, counts);
    }
    for (uint32_t c = 0; c < sensor->n_channels; c++) {
        counts[c] = dassdp_saturate_s16(dassdp_round_s32(gain_q12[c] * counts[c], 12) + offset[c]);
    }
}

/* The polar triad comes first. */
static void add_polar(const dassdp_sensor_t *sensor, dassdp_reading_t *reading,
                      const int16_t *counts)
{
    const dassdp_triad_t *polar = &sensor->triads[0];
    int32_t kept = reading->n_read == 0u ? 0 : -1;
    reading->sums[0] = (reading->sums[0] & kept) + counts[polar->x];
    reading->sums[1] = (reading->sums[1] & kept) + counts[polar->y];
    reading->sums[2] = (reading->sums[2] & kept) + counts[polar->z];
}

/* What windows are compared by is seen behind the profile. */
static void add_to_window(const dassdp_sensor_t *sensor, void *state, int is_first,
                          const int16_t *worn)
{
    int32_t *sums = dassdp_at(state, (uint32_t)sensor->drift->sums_off);
    for (uint32_t i = 0; is_first && i < dassdp_n_sums(sensor->drift); i++) {
        sums[i] = 0;
    }
    sensor->add_reading(sensor->drift, sums, worn);
}

/* Readings behind another profile begin another sample, and another watch over windows. */
static void use(const dassdp_model_t *model, void *state, uint32_t kind)
{
    dassdp_reading_t *reading = reading_of(model, state);
    reading->n_read = 0;
    reading->is_observable = 0;
    dassdp_sensor_state(model, state)->selected = (uint8_t)kind;
    if (model->sensor->forget_windows != 0) {
        model->sensor->forget_windows(model, state);
    }
}

int dassdp_sensor_take(const dassdp_model_t *model, void *state, const int16_t *counts)
{
    const dassdp_sensor_t *sensor = model->sensor;
    dassdp_reading_t *reading = reading_of(model, state);
    int16_t worn[DASSDP_SENSOR_CHANNELS];
    if (reading->n_read >= sensor->n_readings) {
        reading->n_read = 0;
    }
    reading->is_observable = 0;
    for (uint32_t c = 0; c < sensor->n_channels; c++) {
        worn[c] = counts[c];
    }
    if (sensor->observe != 0) {
        add_polar(sensor, reading, counts);
    }
    if (dassdp_sensor_state(model, state)->selected != DASSDP_PROFILE_FACTORY) {
        wear(sensor, dassdp_stored_profile(model, state), worn);
    }
    if (sensor->drift != 0) {
        add_to_window(sensor, state, reading->n_read == 0u, worn);
    }
    int8_t *x = (int8_t *)dassdp_at(state, (uint32_t)model->x_off)
                + (uint32_t)reading->n_read * sensor->n_channels;
    for (uint32_t c = 0; c < sensor->n_channels; c++) {
        int32_t code = (sensor->mul[c] * worn[c] + sensor->add[c]) >> sensor->shift[c];
        x[c] = (int8_t)dassdp_clip_s32(code, -MOST_CODE, MOST_CODE);
    }
    reading->n_read++;
    reading->is_observable = reading->n_read == sensor->n_readings;
    return reading->is_observable != 0u;
}

int dassdp_sensor_select(const dassdp_model_t *model, void *state, uint32_t kind)
{
    dassdp_sensor_state_t *own = dassdp_sensor_state(model, state);
    if (kind != DASSDP_PROFILE_FACTORY && kind != own->stored) {
        return DASSDP_E_VALUE;
    }
    use(model, state, kind);
    return DASSDP_OK;
}

static int32_t dot(const int16_t *a, const int16_t *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Rows of length 1 at right angles, up to 1/16, and their handedness as told; entries fit already. */
static int is_turn(const int16_t *q_q14, int32_t det)
{
    const int16_t *z = q_q14 + 6;
    for (uint32_t i = 0; i < 9u; i++) {
        int32_t off = dot(q_q14 + 3u * (i / 3u), q_q14 + 3u * (i % 3u))
                      - (i / 3u == i % 3u ? DASSDP_ONE_Q14 * DASSDP_ONE_Q14 : 0);
        if (off < -NOT_ORTHOGONAL || off > NOT_ORTHOGONAL) {
            return 0;
        }
    }
    int64_t volume = 0;
    for (uint32_t k = 0; k < 3u; k++) {
        uint32_t i = (k + 1u) % 3u, j = (k + 2u) % 3u;
        volume += (int64_t)(q_q14[i] * q_q14[3u + j] - q_q14[j] * q_q14[3u + i]) * z[k];
    }
    return (det == 1 && volume > 0) || (det == -1 && volume < 0);
}

/* Numbers of a profile of that kind, of which no product leaves its proven range. */
static int is_sound(const dassdp_sensor_t *sensor, const int16_t *profile, uint32_t kind)
{
    const int16_t *q_q14 = profile + DASSDP_PROFILE_Q_Q14;
    const int16_t *gain_q12 = profile + DASSDP_PROFILE_CHANNEL;
    for (uint32_t i = 0; i < 9u; i++) {
        int32_t still = i % 4u == 0u ? DASSDP_ONE_Q14 : 0;
        if (q_q14[i] < -DASSDP_ONE_Q14 || q_q14[i] > DASSDP_ONE_Q14 ||
            ((kind & DASSDP_PROFILE_ORIENTATION) == 0u && q_q14[i] != still)) {
            return 0;
        }
    }
    for (uint32_t c = 0; c < sensor->n_channels; c++) {
        int32_t gain = gain_q12[c], offset = gain_q12[sensor->n_channels + c];
        if (gain == 0 || gain < -DASSDP_MOST_GAIN_Q12 || gain > DASSDP_MOST_GAIN_Q12 ||
            ((kind & DASSDP_PROFILE_CHANNELS) == 0u && (gain != DASSDP_ONE_Q12 || offset != 0))) {
            return 0;
        }
    }
    return is_turn(q_q14, profile[DASSDP_PROFILE_DET]);
}

int dassdp_sensor_check(const dassdp_model_t *model, const void *state)
{
    const dassdp_sensor_t *sensor = model->sensor;
    const dassdp_sensor_state_t *own = dassdp_at_const(state, (uint32_t)sensor->state_off);
    const int16_t *profile = dassdp_at_const(state, (uint32_t)sensor->profile_off);
    if (sensor->check_observed != 0 && sensor->check_observed(model, state) != DASSDP_OK) {
        return DASSDP_E_VALUE;
    }
    int is_known = own->stored <= DASSDP_PROFILE_BOTH && own->has_learned <= 1u
                   && (own->selected == DASSDP_PROFILE_FACTORY || own->selected == own->stored)
                   && (own->stored == DASSDP_PROFILE_FACTORY || own->profile_idx != 0u)
                   && ((own->stored & DASSDP_PROFILE_ORIENTATION) == 0u
                       || sensor->n_triads != 0u);
    int fits = is_known && (own->stored == DASSDP_PROFILE_FACTORY
                            || is_sound(sensor, profile, own->stored));
    return fits ? DASSDP_OK : DASSDP_E_VALUE;
}

void dassdp_use_stored(const dassdp_model_t *model, void *state, uint32_t kind)
{
    dassdp_sensor_state_t *own = dassdp_sensor_state(model, state);
    own->profile_idx = own->profile_idx == UINT16_MAX ? 1u : (uint16_t)(own->profile_idx + 1u);
    own->stored = (uint8_t)kind;
    use(model, state, kind);
}

void dassdp_store_orientation(const dassdp_model_t *model, void *state, const dassdp_turn_t *turn)
{
    uint32_t n = model->sensor->n_channels;
    int16_t *profile = dassdp_stored_profile(model, state);
    int16_t *gain_q12 = profile + DASSDP_PROFILE_CHANNEL;
    dassdp_put_turn(turn, profile);
    for (uint32_t c = 0; c < n; c++) {
        gain_q12[c] = DASSDP_ONE_Q12;
        gain_q12[n + c] = 0;
    }
    dassdp_use_stored(model, state, DASSDP_PROFILE_ORIENTATION);
}
