/* edge_dassdp: what an application calls of a model with a sensor, whose <name>_model.h includes this.
 *
 *     int16_t counts[DASSDP_N_CHANNELS];               // raw, as the sensor gives them
 *     if (dassdp_read(&dassdp_model, &state, counts) == 1) {
 *         dassdp_infer(&dassdp_model, &state, 0, &result);
 *     }
 *
 * docs/sensor.md says what a profile is, and docs/arithmetic.md, 19 and 20, what is done to each count. */
#ifndef DASSDP_SENSOR_CALLS_H
#define DASSDP_SENSOR_CALLS_H

#include "dassdp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is different about how a sensor is worn: signs, gains and offsets of its channels, one rotation
 * or reflection of its triads, or both. */
enum {
    DASSDP_PROFILE_FACTORY = 0,
    DASSDP_PROFILE_CHANNELS = 1,
    DASSDP_PROFILE_ORIENTATION = 2,
    DASSDP_PROFILE_BOTH = 3
};

/** What a window of a sensor brought about; what dassdp_observe returns besides DASSDP_OK. */
enum {
    DASSDP_ALARM_ON = 1,      /* it has drifted from what the factory saw */
    DASSDP_ALARM_OFF = 2,
    DASSDP_PROFILE_TAKEN = 3  /* another profile is in use */
};

/** What dassdp_fit_profile found: 2, the orientation is in use; 0, the factory's fits as well; -1, fewer
 * than two classes were observed; -2, they do not tell a rotation from its mirror image. */
typedef struct {
    int16_t verdict;
    uint16_t n_classes;        /* observed */
    int32_t residual;          /* squared distances of class means from the factory's, in one unit: of */
    int32_t residual_factory;  /* the best orientation, and without one */
} dassdp_fit_t;

/** The profile of a sensor. */
typedef struct {
    uint16_t selected;     /* kind of the profile in use */
    uint16_t stored;       /* kind of the one that was fitted or written; the factory's: none */
    uint16_t profile_idx;  /* its number, they count upwards from 1 */
    uint16_t has_learned;  /* 1: weights were learned since dassdp_init, under the profile numbered */
    uint16_t learned_idx;  /* 0: the factory's */
} dassdp_profile_t;

/** Windows of a sensor without labels. */
typedef struct {
    uint32_t n_windows;    /* compared since dassdp_init, modulo 2^32 */
    uint16_t is_alarm;     /* 1: the median D of the last 35 of them exceeds 1.4 */
    uint16_t median_q8;    /* this median, 256 for 1; 0: fewer were compared under this profile */
    uint16_t n_alarms;     /* times the alarm came on */
    uint16_t n_profiles;   /* profiles taken */
    uint16_t is_allowed;   /* 1: one may be taken */
} dassdp_drift_report_t;

/** Models with a sensor take its raw counts, one reading at a time: <NAME>_N_CHANNELS int16 numbers,
 * through the profile in use straight into the model's own sample, which begins anew behind a whole
 * one. Returns 1 with the last reading of a sample: then infer, or begin, with x NULL; else 0. Whatever
 * learns between readings begins the sample anew. DASSDP_E_ABSENT, as below, without a sensor. */
int dassdp_read(const dassdp_model_t *model, void *state, const int16_t *counts);

/** The whole sample just read, run or not, is one of class `label`, as the sensor is worn now: for the
 * fit below; with or without a label it is a window that is compared with what the factory saw.
 * Returns an event as above, or DASSDP_OK; DASSDP_E_LABEL, DASSDP_E_ORDER, DASSDP_E_ABSENT where the
 * model does neither. A profile that is taken is in use from the next reading on. */
int dassdp_observe(const dassdp_model_t *model, void *state, int32_t label);

/** Fit the orientation that brings what was observed closest to the factory's class means; with verdict
 * 2 it is stored and in use from now on, else profiles stay as they are. What was observed adds up,
 * until dassdp_init. DASSDP_E_ABSENT where the model fits nothing. */
int dassdp_fit_profile(const dassdp_model_t *model, void *state, dassdp_fit_t *fit);

/** Use the factory profile, or the stored one, whose kind must be told: DASSDP_E_VALUE for another. */
int dassdp_select_profile(const dassdp_model_t *model, void *state, uint32_t kind);

/** How far the sensor has drifted from what the factory saw, without labels: D is 1 in the mean where
 * it has not. DASSDP_E_ABSENT where windows are compared with nothing. */
int dassdp_drift(const dassdp_model_t *model, const void *state, dassdp_drift_report_t *report);

/** Whether dassdp_observe may put another profile in use by itself, as long as this is the factory's;
 * not at first. DASSDP_E_ABSENT where the model keeps no windows for it. */
int dassdp_allow_profile(const dassdp_model_t *model, void *state, int is_allowed);

/** Called by dassdp_observe when an event came to be; an application that wants to know defines it. */
void dassdp_on_drift(const dassdp_model_t *model, void *state, int event);

/** Called by dassdp_observe before each of the seventy profiles that a search tries, which takes as long as
 * fifty samples: an application with a watchdog defines it, and feeds it there. */
void dassdp_on_search(void);

/** Which profile is in use. Weights belong to the profile that they were learned under. */
int dassdp_profile(const dassdp_model_t *model, const void *state, dassdp_profile_t *profile);

#ifdef __cplusplus
}
#endif

#endif
