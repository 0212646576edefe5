/* Class means and spare classes: what models name in dassdp_classes_t. */
#ifndef DASSDP_CLASSES_OF_H
#define DASSDP_CLASSES_OF_H

#include "dassdp_quantities.h"
#include "state.h"

/* Where the DASSDP_CLASS_NAME_BYTES of a spare class's name lie in the state. */
static inline uint32_t dassdp_name_off(const dassdp_model_t *model, uint32_t class_idx)
{
    return (uint32_t)model->classes->names_off
           + (class_idx - model->classes->n_known) * DASSDP_CLASS_NAME_BYTES;
}

void dassdp_means_classify(const dassdp_model_t *model, void *state);
void dassdp_means_learn(const dassdp_model_t *model, void *state, uint32_t label);
void dassdp_means_learn_again(const dassdp_model_t *model, void *state, uint32_t label,
                              uint32_t is_of_ring);
void dassdp_spare_mask(const dassdp_model_t *model, void *state);
int dassdp_spare_is_known(const dassdp_model_t *model, const void *state, uint32_t class_idx);
void dassdp_taught_keep(const dassdp_model_t *model, void *state, uint32_t what);
int dassdp_taught_check(const dassdp_model_t *model, const void *state);

#endif
