/* edge_dassdp: lessons in slices; what was learned, told from what, and carried elsewhere; a part of
 * dassdp.h. */
#ifndef DASSDP_LEARNED_H
#define DASSDP_LEARNED_H

#include "dassdp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** dassdp_learn in slices, for what else has to be done in the meantime, with the same bits: begin, then
 * step until it no longer returns DASSDP_MORE, but DASSDP_OK or an error. A slice takes `budget`
 * instructions, 1 to 2^31 - 1, and at most a grain more (docs/realtime.md); from 2^31 on it is the last
 * one. That one writes result. Until then nothing else runs on this state, and changes nothing: calls
 * return DASSDP_E_ORDER, dassdp_digest_learned 0; only dassdp_init ends a lesson before its time.
 * Errors of begin are those of dassdp_learn; of step DASSDP_E_ORDER without a lesson, DASSDP_E_VALUE for
 * a budget of 0. */
enum { DASSDP_MORE = 1 };
int dassdp_learn_begin(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8);
int dassdp_learn_step(const dassdp_model_t *model, void *state, uint32_t budget,
                      dassdp_result_t *result);

/** dassdp_idle in slices: then dassdp_learn_step, whose result->n_replayed is what dassdp_idle returns. */
int dassdp_idle_begin(const dassdp_model_t *model, void *state, uint32_t n_steps);

/** Of a model of values: what its outputs should have been for the sample that is to be learned, int16 in
 * Q11 of their scale, (target - centre) / scale 2^11. It stands until the next one, or until samples are
 * learned again; dassdp_learn takes it for any label from 0 to n_classes - 1. What an output is now, of
 * the sample that just ended, comes in the same format. DASSDP_E_ABSENT of a model of classes,
 * DASSDP_E_ORDER while a lesson is under way, DASSDP_E_INDEX. */
int dassdp_set_target(const dassdp_model_t *model, void *state, const int16_t *target_q11);
int dassdp_value(const dassdp_model_t *model, const void *state, uint32_t output, int32_t *value_q11);

/** Before dassdp_begin of a sample that is to be learned, with the same x: what that was becomes part of
 * the digest of lessons, by which a host proves what was learned from (docs/state.md). It costs some
 * 18 cycles a byte on a Cortex-M0; a sample that was not noted is a lesson of an unknown one. Behind
 * dassdp_set_target, where that took it; nothing between the slices of a lesson. */
void dassdp_note(const dassdp_model_t *model, void *state, const int8_t *x);

/** Lessons so far, learned or recorded, and the CRC-32 over each of them, its sample, label and result:
 * two devices that agree in it have had the same lessons, with the same results, in the same order. 0
 * and 0 where nothing is plastic. */
uint32_t dassdp_n_lessons(const dassdp_model_t *model, const void *state);
uint32_t dassdp_lessons_digest(const dassdp_model_t *model, const void *state);

/** What was learned, weights and learning state, as bytes that every board of this model takes, whatever
 * its core, and that are the host's snapshot: how many, and n_bytes of them from `offset` on, so that
 * no buffer need hold all. Nothing may be learned between two pieces. DASSDP_E_INDEX behind the end,
 * DASSDP_E_ORDER while a lesson is under way.
 * docs/state.md has the format. */
enum { DASSDP_EXPORT_VERSION = 2 };
uint32_t dassdp_export_bytes(const dassdp_model_t *model);
int dassdp_export(const dassdp_model_t *model, const void *state, uint32_t offset, uint8_t *bytes,
                  uint32_t n_bytes);

/** All of an export back, or nothing: all is looked at before the first byte is written. `bytes` lie
 * aligned to 8, in RAM or in flash. DASSDP_E_ALIGN, DASSDP_E_EXPORT, DASSDP_E_MODEL, DASSDP_E_CRC,
 * and DASSDP_E_VALUE for weights or a learning state as no learning leaves them. */
int dassdp_import(const dassdp_model_t *model, void *state, const uint8_t *bytes, uint32_t n_bytes);

/** CRC-32 (IEEE 802.3, reflected), to be chained; start with 0. */
uint32_t dassdp_crc32(uint32_t crc, const void *bytes, uint32_t n_bytes);

/** Over what two devices must agree on of a step: spikes, membranes, currents and numbers of spikes. */
uint32_t dassdp_digest_step(const dassdp_model_t *model, const void *state, uint32_t crc);
/** Over the logits. */
uint32_t dassdp_digest_logits(const dassdp_model_t *model, const void *state, uint32_t crc);
/** Over all plastic weights and the learning state. */
uint32_t dassdp_digest_learned(const dassdp_model_t *model, const void *state, uint32_t crc);

#ifdef __cplusplus
}
#endif

#endif
