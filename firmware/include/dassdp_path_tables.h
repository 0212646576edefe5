/* edge_dassdp: tables of paths that generated code fills: volumes, pools, convolutions, delays. Applications
 * need none of it. */
#ifndef DASSDP_PATH_TABLES_H
#define DASSDP_PATH_TABLES_H

#include "dassdp.h"

typedef struct dassdp_projection dassdp_projection_t;

/* floor(n / divisor) = (n factor + addend) >> shift, tried for every n that occurs. */
typedef struct {
    uint32_t factor;
    uint32_t addend;
    uint32_t shift;
} dassdp_divisor_t;

/* Where neurons of a volume stand: index = (y width + x) n_channels + channel. */
typedef struct {
    uint32_t n_channels;
    uint32_t width;
    dassdp_divisor_t by_channels;
    dassdp_divisor_t by_width;
} dassdp_volume_t;

/* Windows of a kernel that moves over an axis of a volume, padded on both sides. */
typedef struct {
    uint32_t kernel;       /* of a pool */
    uint32_t stride;
    uint32_t padding;
    uint32_t n_out;
    dassdp_divisor_t by_stride;
} dassdp_axis_t;

/* Spikes of a window of each channel become one: summed, each goes to all windows that hold it. */
typedef struct {
    dassdp_volume_t source;
    dassdp_axis_t y, x;
} dassdp_pool_t;

/* Taps of a kernel along an axis that reach consecutive outputs: seen from a source place with
 * place + padding = quotient_in stride + phase, the first is output quotient_in - quotient. */
typedef struct {
    uint16_t phase;
    uint16_t first;        /* of the taps in the image */
    uint16_t n_taps;
    uint16_t quotient;
} dassdp_taps_t;

typedef struct dassdp_conv dassdp_conv_t;

/* A rectangle of taps: rows of columns that lie side by side in the image and in the sums. Assembly
 * counts on the order. */
typedef struct {
    uint32_t n_columns;    /* of a row, not 0 */
    uint32_t n_rows;       /* not 0 */
    uint32_t acc_step;     /* bytes from the end of a row to the next one: sums, weights */
    uint32_t image_step;
    uint32_t tap_columns;  /* of a place, and bytes from place to place of the sums */
    uint32_t place_bytes;
} dassdp_patch_t;

/* acc[i] += times row[i], row by row of a patch of signed weights. */
typedef void dassdp_scatter_fn(void *acc, const int8_t *row, const dassdp_patch_t *patch,
                               int32_t times);

/* Neurons whose patches are alike and lie side by side: those of a place, or of places one after the
 * other. Assembly counts on the order. */
typedef struct {
    dassdp_patch_t patch;
    uint32_t group_bytes;  /* of sums, from channel to channel: where each has a group, those of */
    uint32_t channel_bytes; /* tap_columns, else 0; of weights */
    uint32_t begin;        /* index of the first neuron, and how many */
    uint32_t n;
    dassdp_divisor_t by_channels;
    uint32_t n_channels;
    uint8_t *acc;          /* what the first neuron reaches, and by which weights */
    const int8_t *image;
} dassdp_run_t;

/* One spike of each listed neuron, next[0] to end[-1] ascending, up to the first that is not of the run:
 * returns where it stands, or end. */
typedef const uint32_t *dassdp_scatter_run_fn(const dassdp_run_t *run, const uint32_t *next,
                                              const uint32_t *end);

/* An event-driven convolution. Image: by input channel, rows in the order of `down`, taps in that of
 * `across`, of each the weights to tap_columns output channels. */
struct dassdp_conv {
    dassdp_volume_t source;
    dassdp_axis_t y, x;
    uint32_t out_channels; /* columns from place to place of the sums */
    uint32_t channel_bytes;
    uint32_t row_bytes;
    uint32_t tap_bytes;
    uint32_t tap_columns;
    uint32_t group_channels; /* input channels of a group, 0: one group */
    dassdp_divisor_t by_group;
    uint16_t n_down, n_across;
    const dassdp_taps_t *down;   /* by phase, unless dilated */
    const dassdp_taps_t *across;
    dassdp_scatter_fn *scatter;
    dassdp_scatter_run_fn *scatter_run; /* the same of a run; NULL where spikes come otherwise */
    const uint32_t *zero;  /* a word of sums of 0, as `scatter` adds to them; NULL: 0 */
    uint8_t acc_shift;     /* log2 of the bytes of a sum */
    uint8_t is_dilated;    /* one place reaches several patches */
};

/* Spikes that come later. Lags count from the row of this step. */
typedef struct {
    uint16_t n_lags;
    uint16_t n_history;    /* rows of the ring; 0: frames of the input */
    int32_t history_off;
    uint32_t words_off;    /* scratch: spikes of several lags together */
    const uint16_t *lags;
    const uint32_t *masks; /* words of the neurons of each lag; NULL: one lag for all */
} dassdp_delay_t;

/* Windows of a maximum pool along an axis of what a convolution makes. */
typedef struct {
    uint32_t n_in;         /* places of its result */
    uint32_t n_out;        /* windows */
    uint32_t kernel;
    uint32_t stride;
    uint32_t padding;      /* is never the largest */
    uint32_t dilation;
} dassdp_window_t;

/* The largest sum of each window of a convolution is one of a population's. */
typedef struct {
    dassdp_window_t y, x;
    uint32_t n_channels;   /* of a place of the population */
    uint32_t result_channels; /* of a place of the convolution's sums */
    uint32_t n_columns;    /* sums of the population, padding included */
    uint32_t from_sums;    /* scratch: bytes from the sums of a step to those of the convolution */
} dassdp_largest_t;

/* How spikes of a source reach a projection that is no plain matrix between bits of one step. */
typedef struct dassdp_path {
    /* Adds to acc, which holds nothing yet where adds is 0; returns whether it holds something. */
    uint32_t (*deliver)(const dassdp_model_t *model, void *state,
                        const dassdp_projection_t *projection, void *acc, uint32_t adds,
                        uint32_t t_step);
    /* Bits of delayed spikes, NULL for silence. */
    const uint32_t *(*delayed)(const dassdp_model_t *model, void *state,
                               const dassdp_projection_t *projection, uint32_t t_step);
    /* A maximum pool writes pooled bits, and numbers of spikes where the source has them. */
    void (*pool_max)(const struct dassdp_path *path, void *state, const uint32_t *spk_bits,
                     const uint8_t *n_spikes);
    const dassdp_delay_t *delay;
    const dassdp_pool_t *max_pool;
    const dassdp_pool_t *sum_pool;
    const dassdp_conv_t *conv;
    uint32_t n_source;     /* neurons of the source */
    uint32_t n_pooled;     /* behind its maximum pool, else the same */
    int32_t multi_off;     /* uint8 spikes of each of them in the step; DASSDP_NONE: 0 or 1 */
    uint32_t events_off;   /* scratch: indices of a list of spikes */
    uint32_t pooled_off;   /* scratch: words behind a maximum pool */
    uint32_t numbers_off;  /* scratch: uint8 numbers of spikes behind it */
    const dassdp_largest_t *largest; /* NULL: all sums arrive */
} dassdp_path_t;

#endif
