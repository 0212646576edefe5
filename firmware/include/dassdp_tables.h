/* edge_dassdp: what generated code fills: tables of constants, and types of the functions that they
 * name. Applications need none of it: dassdp.h. */
#ifndef DASSDP_TABLES_H
#define DASSDP_TABLES_H

#include "dassdp_class_tables.h"
#include "dassdp_path_tables.h"
#include "dassdp_sensor_tables.h"
#include "dassdp_stream_tables.h"

enum { DASSDP_NONE = -1 }; /* no offset: that array does not exist in this model */

/* The last one: spike counts of neurons that fire several times a step. */
enum {
    DASSDP_READOUT_SPIKE_COUNT = 0,
    DASSDP_READOUT_MEMBRANE_SUM = 1,
    DASSDP_READOUT_SPIKE_NUMBER = 2
};
/* When a rule runs: with the error of a label, on every sample learned, when a batch is full; in this
 * order. */
enum { DASSDP_STAGE_ERROR = 1, DASSDP_STAGE_SAMPLE = 2, DASSDP_STAGE_BATCH = 3 };
enum { DASSDP_RECORD_NONE = 0, DASSDP_RECORD_FIRST = 1, DASSDP_RECORD_LAST = 2 };

typedef struct dassdp_population dassdp_population_t;

/* A row of a weight image in a list of rows: its address on a 32-bit core, its offset from the image
 * where pointers are wider. */
typedef uint32_t dassdp_row_t;

/* acc[i] = (adds ? acc[i] : 0) + the sum of w[j][i] over the listed rows j: the heart, one contiguous
 * row per spike. 1 <= n_rows <= DASSDP_ROWS_MAX; adds is 0 or 1. */
typedef void dassdp_accumulate_fn(const dassdp_projection_t *projection, void *acc,
                                  const dassdp_row_t *rows, uint32_t n_rows, uint32_t adds,
                                  const void *image);

/* The same for an analogue input: the sum over all j of x[j] w[j][i]. */
typedef void dassdp_analogue_fn(const dassdp_projection_t *projection, void *acc, const int8_t *x,
                                uint32_t adds);

/* The listed rows of a plastic image change by one update row, a word of random bits for every
 * group of four columns, row by row. */
typedef void dassdp_learn_rows_fn(const dassdp_projection_t *projection, const dassdp_row_t *rows,
                                  uint32_t n_rows, const int16_t *dw_q8, uint32_t *rng,
                                  void *image);

/* One time step of a population: membranes, resets, packed spikes. */
typedef void dassdp_neuron_fn(const dassdp_population_t *population, void *v_mem, uint32_t *spk_bits,
                              const void *acc, const void *base);

/* A whole step of a population: sums, membranes, spikes, and what is observed of them (step.h). */
typedef void dassdp_advance_fn(void *state, uint32_t t_step);

/* What its membranes get from the currents of a sample. */
typedef void dassdp_currents_fn(void *state, const int8_t *x, uint32_t t_step);

/* Bits of the neurons whose membrane touched its threshold in the step that just ended:
 * |v - reset_by| < touch_width; tail bits zero. */
typedef void dassdp_touch_fn(const dassdp_population_t *population, const void *v_mem,
                             uint32_t *touch_bits);

/* The same of neurons that have more than that (dassdp_dynamics_t). i_mem: synaptic currents, int32;
 * n_spikes: uint8 spikes of the step; NULL where neurons have none of it. */
typedef void dassdp_dynamics_fn(const dassdp_population_t *population, void *v_mem,
                                uint32_t *spk_bits, const void *acc, const void *base,
                                int32_t *i_mem, uint8_t *n_spikes);

/* The events that records are made of, in scratch. */
typedef const uint32_t *dassdp_events_fn(const dassdp_model_t *model, void *state,
                                         const dassdp_population_t *population);

/* What neurons have beyond a leak, a threshold and a plain reset, and the steps that delays look
 * back to. Strides: 0: one value for all neurons, 1: one each. */
typedef struct {
    /* What a sample starts with; spikes of a step into the history; what a digest adds. */
    void (*rest)(const dassdp_population_t *population, void *state);
    void (*remember)(const dassdp_population_t *population, void *state, uint32_t t_step);
    uint32_t (*digest)(const dassdp_population_t *population, const void *state, uint32_t crc);
    dassdp_dynamics_fn *neurons; /* NULL: the population's `update`, which is NULL otherwise */
    const uint16_t *leak_i_q15;  /* leak of the synaptic current, NULL without one */
    const void *v_bias;          /* added to the membrane, unfiltered; as wide as membranes */
    const void *v_init;          /* membranes before the first step, as wide */
    const void *v_min;           /* the lowest stored membranes, as wide, or NULL */
    uint8_t leak_i_stride;
    uint8_t v_bias_stride;
    uint8_t v_init_stride;
    uint8_t v_min_stride;
    uint8_t i_frac_bits;         /* the synaptic current: fraction bits of a membrane unit */
    uint8_t max_spikes;          /* of a step, each takes reset_by */
    uint16_t n_history;          /* steps of packed spikes, row t_step % n_history; 0: none */
    int32_t i_off;               /* int32 synaptic currents */
    int32_t multi_off;           /* uint8 spikes of the last step */
    int32_t history_off;
} dassdp_dynamics_t;

struct dassdp_population {
    uint16_t n_neurons;
    uint8_t acc_lshift;    /* membrane units = (acc << acc_lshift) rounded >> acc_rshift */
    uint8_t acc_rshift;
    uint8_t analogue_rshift; /* membrane units = analogue sum rounded >> analogue_rshift */
    uint8_t leak_shift;    /* 0: multiply by leak_q15; k: v - round(v / 2^k) */
    uint8_t leak_stride;   /* 0: one leak for all neurons, 1: one each */
    uint8_t fire_stride;   /* the same for fire_at and reset_by */
    uint8_t v_is_wide;     /* 0: int16 membranes, base, fire_at, reset_by; 1: int32 */
    uint8_t acc_is_wide;   /* 0: int16 sums of weights; 1: int32 */
    uint8_t analogue_is_wide; /* the same of analogue sums without their bias */
    uint8_t records;       /* DASSDP_RECORD_*: which spike a latency remembers */
    uint8_t records_membrane; /* a non-resetting readout "fires" where its membrane is positive */
    uint16_t projection_begin; /* projections into this population: [begin, end) */
    uint16_t projection_end;
    uint16_t n_recorded;   /* entries of records: neurons, or channels */
    const uint16_t *leak_q15;
    const void *fire_at;   /* a neuron fires if v >= fire_at */
    const void *reset_by;  /* what a soft reset subtracts */
    const void *base;      /* constant current without analogue input: the bias; NULL: 0, and
                            * neurons without input stay as they are (kernels.h) */
    const int32_t *analogue_bias; /* NULL without analogue input; added before analogue_rshift,
                                   * half a unit of what is left in it, so that this rounds */
    int32_t v_off;         /* byte offsets into the state, DASSDP_NONE if absent */
    int32_t spk_off;
    int32_t base_off;      /* current from analogue input, when there is some */
    int32_t sum_off;       /* int32 logits: sums of membranes or spikes, readout only */
    int32_t latency_off;   /* latencies in bit planes, one slot per sample of a batch */
    int32_t count_off;     /* spike counts in bit planes, one slot per sample of a batch */
    int32_t error_off;     /* int16 error per neuron */
    dassdp_advance_fn *advance;
    dassdp_currents_fn *currents; /* once a sample; NULL where there are none, or others in every step */
    dassdp_neuron_fn *update;
    uint8_t keeps_raster;  /* the spikes of every step go to raster_off as the sample runs */
    uint8_t is_cut;        /* stored samples begin here: its spikes enter the plastic part */
    uint8_t is_plastic_part; /* changes as the network learns: run again by replay and guard */
    int32_t raster_off;    /* n_steps rows of packed spikes */
    int32_t touch_off;     /* n_steps rows of packed touch bits */
    const void *touch_width; /* like reset_by */
    dassdp_touch_fn *touch;  /* NULL where no rule asks */
    dassdp_events_fn *events; /* NULL: its spikes */
    /* Adds to the record of a step, which has one spike of each neuron, the others; NULL: none */
    void (*count_more)(const dassdp_model_t *model, void *state,
                       const struct dassdp_population *population);
    const dassdp_dynamics_t *dynamics; /* NULL: a leak, a threshold and a reset are all */
};

/* What a plasticity rule does to one projection. */
typedef void dassdp_rule_fn(const dassdp_model_t *model, void *state,
                            const dassdp_projection_t *projection);

/* A plasticity rule, as rules.h has it for who writes one. */
typedef struct {
    uint8_t stage;         /* DASSDP_STAGE_*: when it learns */
    uint32_t grain;        /* instructions of its largest grain, at most; 0: it runs to its end at once */
    dassdp_rule_fn *learn; /* from what the sample, or the batch, left behind */
    /* What it carries came from outside: DASSDP_OK, or DASSDP_E_VALUE where no learning leaves that
     * behind. `state` holds what a snapshot does, and nothing else. NULL: it carries nothing, or
     * anything will do. */
    int (*check)(const dassdp_model_t *model, const void *state,
                 const dassdp_projection_t *projection);
    dassdp_rule_fn *record; /* a batch of a warm-up is full; NULL: it has none */
    dassdp_rule_fn *fit;    /* the warm-up is over; NULL */
    const void *constants;  /* of its own type */
} dassdp_rule_t;

/* Latent replay: samples stored as counts and latencies of the cut, and when they are learned again.
 * Stored samples: bit planes of counts, then of latencies, by population of the cut. */
typedef struct {
    const uint32_t *samples; /* n_samples times sample_words, in flash */
    const uint16_t *labels;
    uint16_t n_samples;
    uint16_t sample_words;
    uint8_t n_flash;         /* replayed from flash after each labelled sample */
    uint8_t n_ring;          /* replayed from the ring, before them */
    uint8_t ring_per_class;  /* 0: no ring */
    uint8_t is_reservoir;    /* a random one of the class is replaced, else the oldest */
    int32_t state_off;       /* dassdp_replay_t */
    int32_t ring_off;        /* samples; slot s holds class s % n_classes */
    int32_t seen_off;        /* uint16 samples seen of each class */
    /* After a labelled sample: store it and learn others again; the latter alone, on request. Return
     * 0 where the slice is over before. */
    int (*after)(const dassdp_model_t *model, void *state);
    int (*idle)(const dassdp_model_t *model, void *state);
    /* A ring that came from outside: DASSDP_OK, or DASSDP_E_VALUE. */
    int (*check)(const dassdp_model_t *model, const void *state);
} dassdp_replay_rule_t;

typedef struct {
    uint8_t margin;          /* 0: no fall-back */
    uint8_t window;
    int32_t state_off;       /* dassdp_guard_t */
    int32_t has_saved_off;   /* uint32, DASSDP_NONE where no copy of the weights is kept */
    /* After a labelled sample: judge it against the factory weights. Returns 0 where the slice is over
     * before. */
    int (*judge)(const dassdp_model_t *model, void *state);
} dassdp_guard_rule_t;

/* Step sizes from the share of misses: amplitudes times clamp(gain share, floor, 1). */
typedef struct {
    uint16_t floor_q8;
    uint8_t gain_q4;
    uint32_t (*factor_q8)(const dassdp_model_t *model, const void *state);
    /* A labelled sample was classified, and learned or held back. */
    void (*count)(const dassdp_model_t *model, void *state, uint32_t label);
} dassdp_error_step_t;

/* A CUSUM gate: S = min(opens, max(0, S + miss - allowed)) of labelled samples, a miss counts 2^10. */
typedef struct {
    uint16_t opens_q10;      /* learning begins at S = opens */
    uint16_t allowed_q10;
    uint8_t closes;          /* 1: closes again at S = 0 */
    int32_t state_off;       /* dassdp_cusum_t */
    /* The sample that just ended, labelled or not: where this is not 0 nothing is learned from it. */
    uint32_t (*holds)(const dassdp_model_t *model, void *state, int32_t label);
    uint32_t (*is_open)(const dassdp_model_t *model, const void *state);
    /* How many of the stored samples that are due since it opened are learned again now. */
    uint32_t (*take_due)(const dassdp_model_t *model, void *state);
    /* What came from outside: DASSDP_OK, or DASSDP_E_VALUE. */
    int (*check)(const dassdp_model_t *model, const void *state);
} dassdp_cusum_rule_t;

/* Outputs that are read as values in place of classes: value_q11 = (logit mul >> shift) - centre_q11,
 * rounded; an error is target less value, in units of the scale that Q11 counts in. */
typedef struct {
    uint16_t mul;
    uint8_t shift;
    const int32_t *centre_q11;
    int32_t target_off;      /* int16 targets in Q11, one of each output, of the sample to learn */
    /* Error, loss and is_skipped of the target; whether error rules may write. */
    int (*evaluate)(const dassdp_model_t *model, void *state, dassdp_result_t *result);
} dassdp_values_t;

struct dassdp_projection {
    uint16_t pre;          /* index of the population, or of the input */
    uint16_t post;
    uint8_t is_analogue;   /* from an input of currents */
    uint8_t from_input;    /* `pre` is an input: of currents or of spikes */
    uint8_t weight_bits;   /* 4 to 8, or 16 */
    uint8_t nibbles_log2;  /* of a weight of the image: 0 two to a byte, 1 bytes, 2 half-words */
    uint16_t n_pre, n_post;
    uint32_t row_bytes;    /* columns padded with zero weights to a multiple of 8 */
    uint8_t feedback_rshift;   /* error fed back through it: round(round(sum >> rshift) */
    uint16_t feedback_gain_q14;/* gain_q14 / 2^14), the gain brings all to one unit */
    const void *factory;   /* the weight image in flash */
    int32_t image_off;     /* the weight image in the state, DASSDP_NONE for a frozen projection */
    int32_t saved_off;     /* its copy, DASSDP_NONE if none is kept */
    const int32_t *totals; /* sum of all rows: rows of silent neurons are taken off it; or NULL */
    dassdp_accumulate_fn *accumulate;
    dassdp_analogue_fn *analogue;
    dassdp_learn_rows_fn *learn_rows; /* NULL for a frozen projection, as is its rule */
    const dassdp_rule_t *rule;
    const dassdp_path_t *path; /* NULL: `accumulate` takes the bits of the source as they are */
};

typedef struct {
    uint16_t frame_bytes;  /* int8 currents, or words of 32 spikes */
    uint16_t n_frames;     /* 1: the same in every step */
    uint32_t x_off;        /* offset of the first frame in a sample; of spikes made on the device,
                              that of these, modulo 2^32 */
    uint32_t tail_bits;    /* of the last word of a frame of spikes; 0: all of it is used */
} dassdp_input_t;

/* Makes the spikes of an input, in every step, of what the host sends. */
typedef struct dassdp_coder {
    void (*encode)(const struct dassdp_coder *coder, void *state, const void *x, uint32_t t_step);
    uint32_t x_off;        /* of events or codes in a sample */
    uint16_t n_neurons;
    uint16_t n_raw;        /* int8 codes of a frame */
    uint32_t n_listed;     /* half-words of a list of events */
    uint32_t seed;         /* rate */
    uint16_t step;         /* delta */
    uint16_t n_channels;   /* delta: codes of a place */
    const uint16_t *table; /* latency: step of codes 0 to 127, 65535: none */
    int32_t spk_off;       /* packed spikes of the step */
    int32_t multi_off;     /* uint8 spikes of the step, DASSDP_NONE: 0 or 1 */
    int32_t coder_off;     /* what it carries from step to step */
    int32_t history_off;   /* as dassdp_dynamics_t has it */
    uint16_t n_history;
} dassdp_coder_t;

typedef struct {
    void (*encode_all)(const dassdp_model_t *model, void *state, uint32_t t_step);
    const dassdp_coder_t *coders;
    uint32_t n_coders;
} dassdp_coding_t;

struct dassdp_model {
    uint32_t state_bytes;
    uint8_t hash[32];      /* sha256 of the quantized network */
    uint16_t n_inputs, n_populations, n_projections;
    uint16_t n_steps;
    uint16_t n_batch;      /* samples remembered before rules learn from a batch */
    uint16_t readout;      /* index of the readout population */
    uint16_t n_classes;
    uint8_t readout_kind;
    uint8_t field_bits;    /* bit planes of a latency or count */
    uint8_t softmax_shift; /* z_q8 = (df * softmax_scale) >> softmax_shift */
    uint8_t learns;        /* 0: no plastic projection */
    uint16_t skip_below_q8;/* error rules stay idle if 256 (1 - p_label) is below this */
    uint32_t softmax_scale;/* log2(e) of a logit unit */
    uint32_t softmax_limit;/* differences from here on count as z = 4096 */
    uint32_t seed;         /* initial state of the random generator, not 0 */
    uint32_t x_bytes;      /* bytes of a sample */
    const dassdp_input_t *inputs;
    const dassdp_population_t *populations;
    const dassdp_projection_t *projections;
    int32_t x_off;         /* the sample being run, DASSDP_NONE for few constant currents */
    uint32_t rows_off;     /* scratch: the list of rows */
    uint32_t sums_off;     /* scratch, inference: sums of a step */
    uint32_t part_off;     /* scratch, inference: sums of one list of rows, as wide as its kernel's */
    uint32_t words_off;    /* scratch, inference: bits of silent neurons, or of positive membranes */
    uint32_t progress_off; /* dassdp_progress_t */
    int32_t learning_off;  /* dassdp_learning_t, DASSDP_NONE if nothing is plastic */
    int32_t loss_off;      /* uint16 losses of a batch, DASSDP_NONE where no rule learns from one */
    int32_t lesson_off;    /* scratch: dassdp_lesson_t, DASSDP_NONE if nothing is plastic */
    uint32_t rerun_grain;  /* instructions of a step of the plastic part, at most; 0 where it never runs
                              again */
    uint32_t persist_begin;/* learning state that a snapshot holds besides the weights: */
    uint32_t persist_end;  /* what rules carry, dassdp_learning_t, replay, guard, gate, ring, slots */
    const uint16_t *schedule_q8; /* factors of amplitudes: entry n_labelled >> 4, or NULL */
    uint16_t n_schedule;
    const dassdp_replay_rule_t *replay; /* or NULL */
    const dassdp_guard_rule_t *guard;   /* or NULL */
    const dassdp_coding_t *coding;      /* inputs whose spikes are made on the device, or NULL */
    /* Clears bits of neurons that an input of spikes does not have; or NULL */
    void (*clear_tails)(const dassdp_model_t *model, int8_t *x);
    /* Of the values of a sample, which are its bytes from values_off on, those at an end of int8; NULL
     * where inputs are spikes and events alone */
    uint32_t (*count_ends)(const dassdp_model_t *model, const int8_t *x);
    uint32_t values_off;
    uint8_t start_share_q8; /* share of misses after a reset, and the largest; 0 without error_step */
    uint8_t most_share_q8;
    const dassdp_error_step_t *error_step; /* NULL: a schedule, or none */
    const dassdp_cusum_rule_t *cusum;      /* whether it learns; NULL: always */
    const dassdp_values_t *values;         /* what its outputs are in place of classes, or NULL */
    const dassdp_sensor_t *sensor;         /* whose counts become samples on the device, or NULL */
    const dassdp_streaming_t *streaming;   /* frames arrive while it runs, or NULL */
    const dassdp_classes_t *classes;       /* class means and spare classes, or NULL */
};

#endif
