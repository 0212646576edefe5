/* edge_dassdp: tables of a sensor that generated code fills. Applications need none of it: dassdp_sensor.h. */
#ifndef DASSDP_SENSOR_TABLES_H
#define DASSDP_SENSOR_TABLES_H

#include "dassdp_sensor.h"

/* Channels of one vector. */
typedef struct {
    uint8_t x, y, z;
    uint8_t is_axial;      /* turns with det Q: an angular rate */
} dassdp_triad_t;

/* What windows of a sensor are compared with, without labels; features are means, Q3 of codes, then
 * log2 of standard deviations, Q8. */
typedef struct dassdp_drift {
    uint8_t n_channels;
    uint8_t n_triads;          /* that a search turns; 0: alarm alone, or nothing to turn */
    uint8_t n_rows;            /* windows kept for a search; 0: alarm alone */
    uint8_t n_classes;         /* with training samples */
    uint16_t n_readings;       /* of a window */
    int16_t limit;             /* of codes: clip(round((count - centre) / 2^shift)) */
    const int16_t *centre;
    const int8_t *shift;
    const int16_t *eps_q3;     /* added to standard deviations */
    const int16_t *level_q3;   /* mean and standard deviation of all training readings */
    const int16_t *spread_q3;
    const int16_t *class_features; /* 2 n_channels by class */
    const int16_t *inverse_q17; /* 1 / sigma of each feature within classes */
    const dassdp_triad_t *triads; /* the polar one first */
    int32_t ridge;             /* of an orientation, by class */
    int32_t state_off;         /* dassdp_drift_state_t */
    int32_t ring_off;          /* uint16: D of the last windows */
    int32_t kept_off;          /* dassdp_drift_kept_t */
    int32_t sums_off;          /* int32: 2 n_channels + 3 n_triads; int16: 2 n_channels features */
    int32_t rows_off;          /* int16: the window just read, then n_rows kept */
    /* Puts a profile as a sensor stores it and returns its kind; 0: none yet, -1: what was kept has not
     * drifted; NULL: alarm alone. */
    int (*search)(const struct dassdp_drift *drift, int32_t *sums, int16_t *rows,
                  uint32_t n_rows, int16_t *profile);
} dassdp_drift_t;

/* Raw counts as int8 codes: code = clip((mul count + add) >> shift), by channel, of counts behind the
 * profile. */
typedef struct dassdp_sensor {
    uint8_t n_channels;    /* counts of a reading, at most 32 */
    uint8_t n_triads;
    uint16_t n_readings;   /* of a sample */
    const int16_t *mul;
    const int32_t *add;
    const uint8_t *shift;
    const dassdp_triad_t *triads;
    const int16_t *class_means; /* 3 counts of the polar triad by class, INT16_MIN: none */
    int32_t unit;          /* counts of one unit of the polar triad */
    int32_t state_off;     /* dassdp_sensor_state_t */
    int32_t profile_off;   /* int16: the stored profile */
    int32_t reading_off;   /* dassdp_reading_t */
    int32_t sums_off;      /* int32: observed counts of the polar triad by class; DASSDP_NONE */
    int32_t seen_off;      /* uint16: samples observed, by class */
    int (*take)(const dassdp_model_t *model, void *state, const int16_t *counts);
    int (*select)(const dassdp_model_t *model, void *state, uint32_t kind);
    /* What came from outside: DASSDP_OK, or DASSDP_E_VALUE. */
    int (*check_profile)(const dassdp_model_t *model, const void *state);
    /* NULL: nothing is fitted. */
    void (*observe)(const dassdp_model_t *model, void *state, uint32_t label);
    int (*check_observed)(const dassdp_model_t *model, const void *state);
    void (*fit_profile)(const dassdp_model_t *model, void *state, dassdp_fit_t *fit);
    /* NULL, as all below: windows are compared with nothing. */
    const dassdp_drift_t *drift;
    void (*add_reading)(const dassdp_drift_t *drift, int32_t *sums, const int16_t *counts);
    int (*compare)(const dassdp_model_t *model, void *state);
    void (*forget_windows)(const dassdp_model_t *model, void *state);
} dassdp_sensor_t;

#endif
