/* Whole data sets in one call, for the emulator on a computer. */
#ifndef DASSDP_EMULATOR_H
#define DASSDP_EMULATOR_H

#include "dassdp_classes.h"
#include "dassdp_sensor.h"
#include "dassdp_stream.h"
#include "host_flash.h"

enum { DASSDP_EMULATOR_INFER = 0, DASSDP_EMULATOR_LEARN = 1, DASSDP_EMULATOR_WARM_UP = 2 };

/* Results of n samples; every pointer may be null where it is not wanted. */
typedef struct {
    uint16_t *class_idx;
    int32_t *logits;            /* n x n_classes */
    uint16_t *loss_q8;
    uint16_t *is_skipped;
    uint16_t *is_updated;
    uint16_t *n_replayed;
    uint16_t *is_fallen_back;
    uint16_t *is_held;
    uint32_t *forward_digest;
    uint32_t *learned_digest;
    uint32_t *lessons_digest;
    int16_t *saves;             /* what dassdp_store_lesson returned */
    dassdp_saved_t *saved;      /* of dassdp_host_slots; null: nothing saves by itself */
} dassdp_emulator_out_t;

/* The generated model. */
const dassdp_model_t *dassdp_emulator_model(void);

/* The first n_steps of a sample, and the digest over them; of a model with a sensor its readings, int16. */
uint32_t dassdp_emulator_steps(const dassdp_model_t *model, void *state, const int8_t *x,
                               uint32_t n_steps);

/* dassdp_observe of a sample, reading by reading. */
int dassdp_emulator_observe(const dassdp_model_t *model, void *state, const int8_t *x,
                            int32_t label);

/* Write a learning state and look at it, as a host does: dassdp_check_learning. */
int dassdp_emulator_write_learning(const dassdp_model_t *model, void *state, const uint8_t *bytes);

/* Run n samples of x_bytes each, twice as many where they are readings, and with their targets behind
 * them where outputs are values, one after another; labels and
 * losses_q8 may be null. Returns DASSDP_OK or the first error, with the number of samples done in
 * *n_done. */
int dassdp_emulator_run(const dassdp_model_t *model, void *state, int32_t mode, uint32_t n_samples,
                        const int8_t *x, const int32_t *labels, const int32_t *losses_q8,
                        const dassdp_emulator_out_t *out, uint32_t *n_done);

/* The first overflow that the checked build saw in this thread since the last call, "" without one. */
const char *dassdp_emulator_fault(void);

#endif
