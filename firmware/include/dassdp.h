/* edge_dassdp: spiking networks that go on learning, in integers.
 *
 * What an application calls; it is the manual. The caller owns all memory:
 *
 *     #include "dassdp_model.h"                        // generated; `--name gestures`: gestures_model.h
 *     static dassdp_state_t state;                     // aligned to 8 bytes, DASSDP_STATE_BYTES of them
 *     static int8_t x[DASSDP_X_BYTES];                 // one sample
 *     dassdp_result_t result;
 *     dassdp_init(&dassdp_model, &state);              // once: factory weights
 *     dassdp_note(&dassdp_model, &state, x);           // where a host should prove what was learned
 *     dassdp_infer(&dassdp_model, &state, x, &result); // result.class_idx
 *     dassdp_learn(&dassdp_model, &state, label, DASSDP_OWN_LOSS, &result);
 *
 * C11, and C++ from 11 on. No heap, no float, no stdio, no recursion; no function waits, none is safe
 * from a second thread or an interrupt on the same state (docs/realtime.md); others run side by side.
 * Models with a sensor take readings: dassdp_sensor.h.
 * `model` and `state` below are never NULL and belong together. Every operation, its Q-format and its
 * order are in docs/arithmetic.md; the NumPy reference model is the definition of right.
 */
#ifndef DASSDP_H
#define DASSDP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Generated code names the ABI that it was made for, or does not compile. */
#define DASSDP_ABI 11

/** What functions return that may refuse: DASSDP_OK, or an error, after which all is as it was. */
#define DASSDP_ERRORS(X)                                                       \
    X(DASSDP_OK, 0, "ok")                                                      \
    X(DASSDP_E_LABEL, -1, "label out of range")                                \
    X(DASSDP_E_INDEX, -2, "projection, weight or byte index out of range")     \
    X(DASSDP_E_VALUE, -3, "value out of range")                                \
    X(DASSDP_E_ORDER, -4, "call out of order: no finished sample, or a lesson") \
    X(DASSDP_E_LOSS, -5, "a warm-up record without a label needs a loss")      \
    X(DASSDP_E_FROZEN, -6, "the projection is not plastic")                    \
    X(DASSDP_E_ABSENT, -7, "the model was built without it")                   \
    X(DASSDP_E_EXPORT, -8, "no export, or one of another version")             \
    X(DASSDP_E_MODEL, -9, "an export of another model")                        \
    X(DASSDP_E_CRC, -10, "the export is damaged or cut short")                 \
    X(DASSDP_E_ALIGN, -11, "bytes that are imported begin at a multiple of 8")       \
    X(DASSDP_E_FLASH, -12, "its flash did not take it")

#define DASSDP_ERROR_ENUM(name, value, text) name = value,
enum { DASSDP_ERRORS(DASSDP_ERROR_ENUM) };
#undef DASSDP_ERROR_ENUM

enum {
    DASSDP_NO_LABEL = -1, /* learn from an unlabelled sample: rules that need an error stay idle */
    DASSDP_OWN_LOSS = -1  /* the loss is computed from label and logits */
};

/** A network, constant; the generated `<name>_model` is one. */
typedef struct dassdp_model dassdp_model_t;

typedef struct {
    uint16_t class_idx;    /* 0 to n_classes - 1: the largest logit, the lowest index of several, or with
                              class means the largest score (docs/arithmetic.md, 23) */
    uint16_t loss_q8;      /* -log2 p(label) in Q8 bits, 0 to 32767; 0 before learning with a label */
    uint16_t is_skipped;   /* 1: error rules stayed idle: sure and right, or its class is a mean alone */
    uint16_t is_updated;   /* 1: a weight may have changed */
    uint16_t n_replayed;   /* stored samples learned again after it */
    uint16_t is_fallen_back; /* 1: the guard made the weights the factory's again */
    uint16_t is_held;      /* 1: the CUSUM gate is closed, nothing was learned */
} dassdp_result_t;

/** Factory weights, learning state as at the first start, factory profile. */
void dassdp_init(const dassdp_model_t *model, void *state);

/** The model's own memory for a sample of <NAME>_X_BYTES, NULL if it has none. Given to dassdp_begin it
 * saves a copy; running and learning use it up. */
int8_t *dassdp_sample(const dassdp_model_t *model, void *state);

/** One sample, step by step: begin, n_steps times step (more do nothing), end. x holds <NAME>_X_BYTES
 * bytes, its inputs one behind the other, frame by frame: int8 currents in units of the input's scale,
 * -128 to 127, or spikes packed into little-endian words, neuron i in bit i & 31 of word i >> 5; codes
 * or events for inputs with an encoder (docs/arithmetic.md, 17). Only dassdp_begin reads it. */
int dassdp_begin(const dassdp_model_t *model, void *state, const int8_t *x);
/** One time step. */
int dassdp_step(const dassdp_model_t *model, void *state);
/** The class, once all steps have run. */
int dassdp_end(const dassdp_model_t *model, void *state, dassdp_result_t *result);

/** The three in one call. DASSDP_E_ORDER, as all else, between the slices of a lesson (dassdp_learned.h). */
int dassdp_infer(const dassdp_model_t *model, void *state, const int8_t *x,
                 dassdp_result_t *result);

/** <NAME>_N_CLASSES logits of the last sample, membrane units or spikes summed over its steps. */
const int32_t *dassdp_logits(const dassdp_model_t *model, const void *state);

/** Learn from the sample that just ended; once per sample. label: 0 to n_classes - 1 or
 * DASSDP_NO_LABEL. loss_q8: DASSDP_OWN_LOSS, or the host's loss in Q8 bits, 0 to 32767, recorded in
 * its place. Where the model has a CUSUM gate, and too few labelled samples were classified wrongly so
 * far, it writes nothing: result->is_held. DASSDP_E_FROZEN where nothing is plastic, DASSDP_E_LABEL,
 * DASSDP_E_ORDER, DASSDP_E_VALUE. */
int dassdp_learn(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8,
                 dassdp_result_t *result);

/** Record the sample that just ended for every rule that warms up; no weight changes. Arguments and
 * errors as above, and DASSDP_E_LOSS with neither label nor loss. */
int dassdp_warm_up(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8,
                   dassdp_result_t *result);

/** Fix what the records so far say: of (DA-)SSDP mean, deviation and correlation of every dopamine gate. */
int dassdp_fit_gate(const dassdp_model_t *model, void *state);

/** Learn again from up to n_steps stored samples, of ring and flash in turn, for instance while the
 * device is on its charger. Returns how many there were, none while a CUSUM gate is closed, or
 * DASSDP_E_ABSENT without replay. */
int dassdp_idle(const dassdp_model_t *model, void *state, uint32_t n_steps);

/** Copy the plastic weights. DASSDP_E_ABSENT where the model keeps no copy. */
int dassdp_save(const dassdp_model_t *model, void *state);
/** Put the copy back, or factory weights where none was made since the start; likewise. Counters,
 * gates and ring stay as they are, but for samples of classes that are then called otherwise. */
int dassdp_rollback(const dassdp_model_t *model, void *state);

/** One weight by natural index: projection, pre neuron, post neuron; w in weight steps, -2^(bits - 1)
 * to 2^(bits - 1) - 1. DASSDP_E_INDEX, DASSDP_E_FROZEN, DASSDP_E_VALUE. */
int dassdp_weight_get(const dassdp_model_t *model, const void *state, uint32_t projection_idx,
                      uint32_t pre_idx, uint32_t post_idx, int32_t *w);
/** The same, written. */
int dassdp_weight_set(const dassdp_model_t *model, void *state, uint32_t projection_idx,
                      uint32_t pre_idx, uint32_t post_idx, int32_t w);

/** Plastic weights that stand at an end of their range now. */
uint32_t dassdp_n_saturated(const dassdp_model_t *model, const void *state);

/** Input values, currents and codes of encoders, that stood at an end of int8 (127, -127 or -128) in
 * the samples given to dassdp_begin since dassdp_init, modulo 2^32. More than a few of a sample reach
 * beyond the input's scale: the network was quantized for others. */
uint32_t dassdp_n_x_saturated(const dassdp_model_t *model, const void *state);

/** After bytes of the learning state were written from outside: DASSDP_OK, or DASSDP_E_VALUE where no
 * learning leaves such behind; it is then that of the first start, weights stay. */
int dassdp_check_learning(const dassdp_model_t *model, void *state);

#ifdef __cplusplus
}
#endif
#include "dassdp_learned.h" /* lessons in slices; what was learned from what, and carried elsewhere */

#endif
