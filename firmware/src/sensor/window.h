/* What a window of a sensor looks like: mean and log2(std + eps) of each channel, in int32. */
#ifndef DASSDP_WINDOW_H
#define DASSDP_WINDOW_H

#include "dassdp_tables.h"
#include "orientation.h"

enum {
    DASSDP_BLOCK = 7, /* of a row: covariances xx yy zz xy xz yz of a triad by 2^-exponent, and that */
    DASSDP_ROW_MEAN = 2, /* of a row: D, the nearest class; means Q3, standard deviations Q3, blocks */
};

static inline uint32_t dassdp_n_sums(const dassdp_drift_t *drift)
{
    return 2u * drift->n_channels + 3u * drift->n_triads;
}

/* Features of a window, in the words behind its sums. */
static inline int16_t *dassdp_features_at(const dassdp_drift_t *drift, int32_t *sums)
{
    return (int16_t *)(void *)(sums + dassdp_n_sums(drift));
}

static inline uint32_t dassdp_row_length(const dassdp_drift_t *drift)
{
    return DASSDP_ROW_MEAN + 2u * drift->n_channels + DASSDP_BLOCK * (uint32_t)drift->n_triads;
}

/* How readings are changed before they are looked at; NULL: not at all. */
typedef struct {
    const dassdp_turn_t *turn; /* NULL: unturned */
    const int32_t *gain_q12;  /* above 0, by channel; NULL: unscaled */
    const int32_t *offset_q3; /* of codes */
} dassdp_change_t;

/* Adds one reading, int16 counts, to the sums of the window, which begins with zeros. */
void dassdp_add_reading(const dassdp_drift_t *drift, int32_t *sums, const int16_t *counts);

/* Means, standard deviations and blocks of a row, from the sums of drift->n_readings. */
void dassdp_window_row(const dassdp_drift_t *drift, const int32_t *sums, int16_t *row);

/* 2 n_channels features of a row: means, then log2(std + eps), Q8. */
void dassdp_features(const dassdp_drift_t *drift, const int16_t *row,
                     const dassdp_change_t *change, int16_t *features);

#endif
