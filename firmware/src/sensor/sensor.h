/* The front end of a model with a sensor: raw counts through a profile into int8 codes, reading by
 * reading, straight into the model's own sample. Models without a sensor link nothing of it. */
#ifndef DASSDP_SENSOR_H
#define DASSDP_SENSOR_H

#include "dassdp_tables.h"
#include "orientation.h"

/* The stored profile, int16 numbers one behind the other, as host and snapshot have them. */
enum {
    DASSDP_PROFILE_DET = 0,     /* determinant of Q: 1 or -1 */
    DASSDP_PROFILE_Q_Q14 = 1,   /* 9, row by row */
    DASSDP_PROFILE_CHANNEL = 10 /* gain_q12 of every channel, then the offset of every channel */
};
enum { DASSDP_MOST_GAIN_Q12 = 4 << 12 };

static inline void dassdp_put_turn(const dassdp_turn_t *turn, int16_t *profile)
{
    profile[DASSDP_PROFILE_DET] = turn->det;
    for (uint32_t i = 0; i < 9u; i++) {
        profile[DASSDP_PROFILE_Q_Q14 + i] = turn->q_q14[i];
    }
}

/* The numbers of the stored profile. */
int16_t *dassdp_stored_profile(const dassdp_model_t *model, void *state);

/* Puts a profile of nothing but this orientation in store and selects it. */
void dassdp_store_orientation(const dassdp_model_t *model, void *state, const dassdp_turn_t *turn);
/* Another profile, of that kind, was put in store: it is counted and selected. */
void dassdp_use_stored(const dassdp_model_t *model, void *state, uint32_t kind);

/* What models name in dassdp_sensor_t. */
int dassdp_sensor_take(const dassdp_model_t *model, void *state, const int16_t *counts);
int dassdp_sensor_select(const dassdp_model_t *model, void *state, uint32_t kind);
int dassdp_sensor_check(const dassdp_model_t *model, const void *state);
void dassdp_sensor_observe(const dassdp_model_t *model, void *state, uint32_t label);
int dassdp_sensor_check_observed(const dassdp_model_t *model, const void *state);
void dassdp_sensor_fit(const dassdp_model_t *model, void *state, dassdp_fit_t *fit);

#endif
