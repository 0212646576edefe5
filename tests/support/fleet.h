/* A fleet of models: which they are, and the memory of each. gaps: of the state, begin and size of
 * each in bytes; a size of 0 ends them. */
#ifndef FLEET_H
#define FLEET_H

#include "dassdp_classes.h"
#include "dassdp_sensor.h"

typedef struct {
    const dassdp_model_t *model;
    void *state;
    int8_t *x;
    const uint32_t *gaps;
    uint32_t state_bytes, x_bytes, n_steps, n_classes;
    uint32_t n_channels; /* of its sensor; 0: none */
    uint32_t n_targets;  /* 16 at most; 0: its outputs are classes */
} fleet_model_t;

extern const fleet_model_t fleet[];

#endif
