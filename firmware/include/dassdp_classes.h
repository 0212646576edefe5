/* edge_dassdp: what an application calls of a model with spare classes (`quantize --spare-classes 2`).
 *
 *     int wave = dassdp_new_class(&dassdp_model, &state, "wave");
 *     dassdp_infer(&dassdp_model, &state, x, &result); // five times, with five samples
 *     dassdp_learn(&dassdp_model, &state, wave, DASSDP_OWN_LOSS, &result);
 *
 * docs/classes.md says how many samples it takes, and what becomes of the old classes. */
#ifndef DASSDP_CLASSES_CALLS_H
#define DASSDP_CLASSES_CALLS_H

#include "dassdp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DASSDP_CLASS_NAME_MOST = 16 }; /* letters of a name: ASCII, and no space at an end */

/** Takes the first spare class for a name, ended by 0; from now on it can be learned, and is answered.
 * Returns its index. DASSDP_E_ABSENT without spare classes, DASSDP_E_INDEX where all are taken,
 * DASSDP_E_VALUE for what is no name, and for one that is taken, DASSDP_E_ORDER within a lesson. */
int dassdp_new_class(const dassdp_model_t *model, void *state, const char *name);

/** A class that was taught is spare again: its weights, means and stored samples are gone, what hidden
 * neurons learned stays. DASSDP_E_ABSENT, DASSDP_E_ORDER, DASSDP_E_LABEL where it was not taught. */
int dassdp_forget_class(const dassdp_model_t *model, void *state, uint32_t class_idx);

/** The name of a class that was taught, DASSDP_CLASS_NAME_MOST + 1 bytes, ended by 0. Returns its length,
 * DASSDP_E_ABSENT, or DASSDP_E_LABEL where it was not taught. */
int dassdp_class_name(const dassdp_model_t *model, const void *state, uint32_t class_idx,
                      char *name);

#ifdef __cplusplus
}
#endif

#endif
