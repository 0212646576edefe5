/* How far a sensor is from what the factory saw: the distance D of windows, and the alarm. */
#ifndef DASSDP_DRIFT_H
#define DASSDP_DRIFT_H

#include "window.h"
#include "state.h"

enum { DASSDP_SEARCH_NEEDLESS = -1, DASSDP_SEARCH_NONE = 0 };

/* Where all of it lies. */
typedef struct {
    dassdp_drift_state_t *state;
    uint16_t *ring_q8;
    dassdp_drift_kept_t *kept;
    int32_t *sums;
    int16_t *last; /* row of the window just read */
    int16_t *rows; /* kept */
} dassdp_drift_memory_t;

/* D, Q8, of features, and the nearest class. */
uint16_t dassdp_distance(const dassdp_drift_t *drift, const int16_t *features, uint16_t *nearest);

/* The upper one of two; of n from 1 numbers, `stride` apart. */
uint16_t dassdp_median(const uint16_t *numbers, uint32_t n, uint32_t stride);

/* Begins anew, as behind another profile: no window has been seen. */
void dassdp_drift_rest(const dassdp_drift_memory_t *memory);
/* What was kept for a search is dropped. */
void dassdp_drift_drop(const dassdp_drift_memory_t *memory);

/* A whole window is in the sums. Returns an event of dassdp_sensor.h, or 0; of a profile taken its kind is
 * in *kind and its numbers are in `profile`. is_searching: one may be taken. */
int dassdp_drift_window(const dassdp_drift_t *drift, const dassdp_drift_memory_t *memory,
                        int is_searching, int16_t *profile, uint32_t *kind);

/* What models name in dassdp_sensor_t, and in dassdp_drift_t. */
int dassdp_drift_compare(const dassdp_model_t *model, void *state);
void dassdp_drift_forget(const dassdp_model_t *model, void *state);
int dassdp_search_profile(const dassdp_drift_t *drift, int32_t *sums, int16_t *rows,
                               uint32_t n_rows, int16_t *profile);

#endif
