/* What lies in the state, views into it, and the records in it. */
#ifndef DASSDP_STATE_H
#define DASSDP_STATE_H

#include "kernels.h"

/* What learning carries from sample to sample, and its counters. */
typedef struct {
    uint32_t rng;          /* xorshift32, never 0 */
    uint32_t n_labelled;   /* labelled samples learned from */
    uint32_t n_skipped;    /* of these, skipped because the network was sure and right */
    uint32_t n_updates;    /* weight updates tried */
    uint32_t n_vanished;   /* of these, rounded to zero before the dither */
    uint16_t batch_idx;    /* slot of the next sample */
    uint8_t batch_kind;    /* 0: learning, 1: warm-up; another kind discards an incomplete batch */
    uint8_t miss_share_q8; /* running share of wrong classes; 0 where no step size follows it */
    uint32_t n_lessons;    /* samples learned or recorded, with a label or without, modulo 2^32 */
    uint32_t lessons_digest; /* CRC-32 over every dassdp_lesson_t so far */
} dassdp_learning_t;

enum {
    DASSDP_LESSON_LEARN = 0,
    DASSDP_LESSON_WARM_UP = 1,
    DASSDP_LESSON_IDLE = 2      /* one stored sample */
};
enum { DASSDP_LESSON_SKIPPED = 1, DASSDP_LESSON_UPDATED = 2, DASSDP_LESSON_FALLEN_BACK = 4,
       DASSDP_LESSON_HELD = 8 };

/* What becomes part of the running digest, as these bytes, little endian; 0 where a kind has it not. */
typedef struct {
    uint8_t kind;
    uint8_t flags;
    uint16_t n_replayed;
    int32_t label;         /* and the loss: as they were given */
    int32_t loss_q8;
    uint32_t x_crc;        /* of the sample that was noted, 0 of others */
    uint16_t class_idx;
    uint16_t own_loss_q8;
} dassdp_lesson_t;

/* What may be done with the sample. */
enum { DASSDP_RUNNING = 0, DASSDP_COMPLETE = 1, DASSDP_LEARNING = 2 };

/* Where the sample being run stands, and what samples had at their ends. */
typedef struct {
    uint32_t n_x_saturated;/* input values at an end of int8 since dassdp_init, modulo 2^32 */
    uint16_t t_step;       /* steps done */
    uint8_t phase;         /* DASSDP_RUNNING: not at its end, or used up; DASSDP_COMPLETE: to be learned;
                              DASSDP_LEARNING: a lesson is under way, which the rest of the state waits for */
    uint8_t uses_factory;  /* plastic projections run on their factory weights */
    uint32_t noted_crc;    /* of a sample that is to begin */
    uint32_t x_crc;        /* of the one being run, 0 where it was not noted */
} dassdp_progress_t;

enum { DASSDP_N_AT = 10 };
#define DASSDP_WHOLE UINT32_MAX /* room for all that is left of a lesson */

/* A lesson under way: what its slice has room for, and where it goes on in the next one. It lies in
 * scratch, so that a sample in the state gives way to it, and no snapshot holds it. */
typedef struct {
    uint32_t left;         /* instructions; 0: the slice is over */
    uint32_t n_grains;     /* of the rule at work */
    uint32_t sum;          /* of the rule at work, as `at`: 0 before its first grain */
    uint32_t n_turns;      /* stored samples still to learn again, and how many were */
    uint32_t n_replayed;
    int32_t label;
    int32_t loss_q8;       /* the host's, or DASSDP_OWN_LOSS */
    union {
        uint16_t at[DASSDP_N_AT];
        uint32_t at_words[DASSDP_N_AT / 2];
    };
    dassdp_result_t result;/* so far */
    uint16_t item;         /* population or projection at work */
    uint16_t out;          /* projection that an error comes back through */
    uint16_t neuron;
    uint16_t t_step;       /* of the plastic part run again */
    uint16_t sample_idx;   /* of ring or flash, learned again */
    uint8_t stage;         /* of the lesson */
    uint8_t part;          /* of the error of a label */
    uint8_t phase;         /* of what the stage does */
    uint8_t slot;          /* of the batch, that the sample was recorded in */
    uint8_t is_paused;     /* the rule at work has more to do */
    uint8_t has_run;       /* a rule did */
    uint8_t is_of_ring;
    uint8_t is_idle;       /* no lesson: stored samples alone */
} dassdp_slices_t;

/* Which profile of the sensor is in use; a snapshot holds it. */
typedef struct {
    uint8_t selected;      /* its kind: DASSDP_PROFILE_FACTORY, or `stored` */
    uint8_t stored;        /* kind of the stored profile; DASSDP_PROFILE_FACTORY: none */
    uint8_t has_learned;   /* weights were learned since dassdp_init */
    uint8_t reserved;
    uint16_t profile_idx;  /* of the stored profile: they count upwards from 1 */
    uint16_t learned_idx;  /* of the one that weights were first learned under; 0: the factory's */
} dassdp_sensor_state_t;

/* The sample being read; no snapshot holds it. */
typedef struct {
    int32_t sums[3];       /* raw counts of the polar triad */
    uint16_t n_read;       /* readings so far */
    uint16_t is_observable; /* a whole sample was read, and not yet observed */
} dassdp_reading_t;

/* What became of windows without labels; no snapshot holds it, nor the ring behind it. */
typedef struct {
    uint32_t n_windows;    /* compared since dassdp_init, modulo 2^32 */
    uint16_t n_alarms;     /* times the alarm came on, 65,535 at most */
    uint16_t n_profiles;   /* profiles taken, likewise */
    uint16_t median_q8;    /* of the ring, once it is full */
    uint8_t n_ring;        /* distances in it */
    uint8_t ring_idx;      /* where the next goes */
    uint8_t is_on;         /* the alarm */
    uint8_t is_allowed;    /* a profile may be taken */
    uint16_t reserved;
} dassdp_drift_state_t;

/* Windows kept for a search, and the sums of the one being read; no snapshot holds them. */
typedef struct {
    uint16_t phase;        /* windows since keeping began */
    uint8_t n_rows;        /* kept */
    uint8_t stride_log2;   /* every 2^stride_log2-th of them is */
} dassdp_drift_kept_t;

static inline void *dassdp_at(void *state, uint32_t offset)
{
    return (uint8_t *)state + offset;
}

static inline const void *dassdp_at_const(const void *state, uint32_t offset)
{
    return (const uint8_t *)state + offset;
}

/* 0 leaves out what sensors need, where no model of a firmware has one. */
#ifndef DASSDP_SENSORS
#define DASSDP_SENSORS 1
#endif

static inline const dassdp_sensor_t *dassdp_sensor(const dassdp_model_t *model)
{
    return DASSDP_SENSORS != 0 ? model->sensor : 0;
}

/* The same of readouts of values. */
#ifndef DASSDP_VALUES
#define DASSDP_VALUES 1
#endif

static inline const dassdp_values_t *dassdp_values(const dassdp_model_t *model)
{
    return DASSDP_VALUES != 0 ? model->values : 0;
}

/* Bytes of the targets of a sample, 0 of a model of classes. */
static inline uint32_t dassdp_target_bytes(const dassdp_model_t *model)
{
    return dassdp_values(model) != 0 ? 2u * model->n_classes : 0u;
}

/* The same of streams. */
#ifndef DASSDP_STREAMS
#define DASSDP_STREAMS 1
#endif

static inline const dassdp_streaming_t *dassdp_streaming(const dassdp_model_t *model)
{
    return DASSDP_STREAMS != 0 ? model->streaming : 0;
}

/* The same of class means and spare classes. */
#ifndef DASSDP_CLASSES
#define DASSDP_CLASSES 1
#endif

static inline const dassdp_classes_t *dassdp_classes(const dassdp_model_t *model)
{
    return DASSDP_CLASSES != 0 ? model->classes : 0;
}

/* Sums of the readout, the logits once all steps have run. */
static inline int32_t *dassdp_sums(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->populations[model->readout].sum_off);
}

/* How many samples of each class the ring was offered; NULL without a ring. */
static inline uint16_t *dassdp_ring_seen(const dassdp_model_t *model, void *state)
{
    return model->replay == 0 || model->replay->seen_off < 0
               ? 0
               : dassdp_at(state, (uint32_t)model->replay->seen_off);
}

/* Whether a class is known by its mean alone: no weight learns it. */
static inline int dassdp_is_by_mean(const dassdp_model_t *model, int32_t label)
{
    const dassdp_classes_t *classes = dassdp_classes(model);
    return classes != 0 && classes->n_hidden != 0u && label >= (int32_t)classes->n_known;
}

static inline dassdp_sensor_state_t *dassdp_sensor_state(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->sensor->state_off);
}

static inline const void *dassdp_image(const dassdp_projection_t *projection, const void *state)
{
    return projection->image_off < 0 ? projection->factory
                                     : dassdp_at_const(state, (uint32_t)projection->image_off);
}

/* The image that runs now: of a plastic projection the factory's, where the guard looks at that. */
static inline const void *dassdp_image_in_use(const dassdp_model_t *model,
                                              const dassdp_projection_t *projection,
                                              const void *state)
{
    const dassdp_progress_t *progress = dassdp_at_const(state, model->progress_off);
    return projection->image_off >= 0 && model->guard != 0 && progress->uses_factory != 0u
               ? projection->factory
               : dassdp_image(projection, state);
}

static inline dassdp_learning_t *dassdp_learning(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->learning_off);
}

static inline dassdp_progress_t *dassdp_progress(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, model->progress_off);
}

/* Whether a lesson is under way, which all else has to wait for. */
static inline int dassdp_is_learning(const dassdp_model_t *model, const void *state)
{
    const dassdp_progress_t *progress = dassdp_at_const(state, model->progress_off);
    return progress->phase == DASSDP_LEARNING;
}

static inline dassdp_slices_t *dassdp_slices(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->lesson_off);
}

/* Grains of so many instructions that the slice has room for: the last one ends it. */
static inline uint32_t dassdp_room(const dassdp_slices_t *lesson, uint32_t grain)
{
    return lesson->left == DASSDP_WHOLE || grain == 0u ? DASSDP_WHOLE
                                                       : (lesson->left + (grain - 1u)) / grain;
}

/* Takes them off the slice. */
static inline void dassdp_spend(dassdp_slices_t *lesson, uint32_t n_grains, uint32_t grain)
{
    if (lesson->left != DASSDP_WHOLE) {
        uint32_t spent = n_grains * grain;
        lesson->left = spent < lesson->left ? lesson->left - spent : 0u;
    }
}

/* One more lesson, or a stored sample that was learned again; nothing where nothing is plastic. */
void dassdp_chain(const dassdp_model_t *model, void *state, const dassdp_lesson_t *lesson);

/* The learning state becomes that of the first start. */
void dassdp_rest_learning(const dassdp_model_t *model, void *state);

/* All plastic images become the factory's, or their copies. */
void dassdp_restore_weights(const dassdp_model_t *model, void *state, uint32_t from_copy);

/* Spike counts and latencies of a population in one slot of the batch, in bit planes: bit b of
 * neuron i is bit i & 31 of word (i >> 5) bits + b. */
typedef struct {
    uint32_t *count;
    uint32_t *latency; /* all bits set: silent; NULL where only counts are kept */
    uint32_t n;
    uint32_t n_words;  /* of 32 neurons */
    uint32_t bits;
} dassdp_record_t;

static inline dassdp_record_t dassdp_record_at(const dassdp_model_t *model, void *state,
                                               const dassdp_population_t *population,
                                               uint32_t slot)
{
    uint32_t bits = model->field_bits;
    uint32_t n_words = DASSDP_WORDS((uint32_t)population->n_recorded);
    uint32_t offset = slot * n_words * bits * 4u;
    dassdp_record_t record = {
        .count = dassdp_at(state, (uint32_t)population->count_off + offset),
        .latency = population->latency_off < 0
                       ? 0
                       : dassdp_at(state, (uint32_t)population->latency_off + offset),
        .n = population->n_recorded,
        .n_words = n_words,
        .bits = bits,
    };
    return record;
}

/* The same, called. */
dassdp_record_t dassdp_record(const dassdp_model_t *model, void *state,
                              const dassdp_population_t *population, uint32_t slot);

/* Of the batch, where the sample that runs is recorded; 0 without batches. */
static inline uint32_t dassdp_slot(const dassdp_model_t *model, void *state)
{
    return model->n_batch > 1u ? dassdp_learning(model, state)->batch_idx : 0u;
}

/* Nothing seen yet: counts 0, latencies silent. */
void dassdp_record_clear(const dassdp_record_t *record);

/* One event of each neuron in `events`; the first one, or every one where the last counts, sets its
 * latency. A count never carries: it stays below 2^bits. */
void dassdp_record_add(const dassdp_record_t *record, const uint32_t *events, uint32_t t_step,
                       int keeps_last);

/* Those of the neurons `among` one word whose planes hold `value`. */
static inline uint32_t dassdp_planes_equal(const uint32_t *planes, uint32_t bits, uint32_t value,
                                           uint32_t among)
{
    for (const uint32_t *end = planes + bits; among != 0u && planes < end; planes++, value >>= 1) {
        among &= *planes ^ ((value & 1u) - 1u);
    }
    return among;
}

/* Neurons of one word that had an event. */
uint32_t dassdp_fired(const dassdp_record_t *record, uint32_t word_idx);

/* Of the neurons in `words`, those that have as many spikes as the first one of word `first`, and stand
 * in it or behind, go over to `same`; returns how many spikes. */
uint32_t dassdp_record_part(const dassdp_record_t *record, uint32_t first, uint32_t *words,
                            uint32_t *same);

/* The value of one neuron. */
static inline uint32_t dassdp_plane_value(const uint32_t *planes, uint32_t bits, uint32_t idx)
{
    const uint32_t *word = planes + (idx >> 5) * bits;
    uint32_t value = 0;
    for (uint32_t b = bits; b-- > 0u;) {
        value += value + ((word[b] >> (idx & 31u)) & 1u);
    }
    return value;
}

/* Values of four neurons, the first one's index a multiple of 4, in the bytes of a word. */
static inline uint32_t dassdp_planes_four(const uint32_t *planes, uint32_t bits, uint32_t first)
{
    const uint32_t *word = planes + (first >> 5) * bits;
    uint32_t four = 0;
    for (uint32_t b = bits; b-- > 0u;) {
        /* bits 0 to 3 to bytes 0 to 3: of the products of bits, no two meet */
        four += four + ((((word[b] >> (first & 31u)) & 15u) * 0x00204081u) & 0x01010101u);
    }
    return four;
}

/* Values of all neurons, one byte each; n is padded to a multiple of 4. */
void dassdp_planes_bytes(const uint32_t *planes, uint32_t n, uint32_t bits, uint8_t *bytes);

/* The same of more bits than a byte has: uint16. */
void dassdp_planes_halves(const uint32_t *planes, uint32_t n, uint32_t bits, void *values);

/* Bits set in a word. */
static inline uint32_t dassdp_popcount(uint32_t word)
{
    word -= (word >> 1) & 0x55555555u;
    word = (word & 0x33333333u) + ((word >> 2) & 0x33333333u);
    word = (word + (word >> 4)) & 0x0F0F0F0Fu;
    return (word * 0x01010101u) >> 24;
}

#endif
