/* edge_dassdp: samples without end. Of a model that was quantized with a hop frames arrive one by one
 * while it runs, so nothing holds a whole sample, and it decides again every few frames:
 *
 *     dassdp_stream_begin(&gestures_model, &state, GESTURES_HOP);
 *     for (;;) {
 *         read_frame(frame);                                   // the application's: one frame, one step
 *         if (dassdp_push(&gestures_model, &state, frame, sizeof frame, &result) == DASSDP_DECIDED) {
 *             act_upon(result.class_idx);
 *         }
 *     }
 *
 * The first decision comes behind n_steps frames, and is what dassdp_infer of these would give; then
 * one every hop frames, from what the readout gave in the last n_steps. Membranes are never reset in
 * between: docs/streams.md says what that means. */
#ifndef DASSDP_STREAM_H
#define DASSDP_STREAM_H

#include "dassdp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DASSDP_DECIDED = 1 };

/** Membranes at rest, nothing pushed; a stream before it is over. hop: frames from decision to decision,
 * the model's <NAME>_HOP, which its memory is for, to n_steps. DASSDP_E_VALUE for another,
 * DASSDP_E_ABSENT of a model without streams, DASSDP_E_ORDER between the slices of a lesson. */
int dassdp_stream_begin(const dassdp_model_t *model, void *state, uint32_t hop);

/** The stream is over; harmless without one. */
void dassdp_stream_end(const dassdp_model_t *model, void *state);

/** A frame of <NAME>_FRAME_BYTES, or the next piece of one, as dassdp_begin has it in a sample; of an input of
 * events 16-bit addresses, the last of them 0xFFFF; of a model with a sensor the <NAME>_N_CHANNELS int16
 * counts of one reading. Where the frame is whole its step runs. Returns DASSDP_DECIDED where result was written, else
 * DASSDP_OK; DASSDP_E_INDEX for bytes behind the end of the frame, DASSDP_E_ORDER without a stream or
 * between the slices of a lesson. dassdp_begin ends the stream, and so does
 * whatever else ran on this state since: a lesson may, behind the first decision alone, and is one of its
 * window. */
int dassdp_push(const dassdp_model_t *model, void *state, const void *bytes, uint32_t n_bytes,
                dassdp_result_t *result);

/** How many of these bytes belong to the frame under way: of a list of events those up to the first 0xFFFF. */
uint32_t dassdp_frame_part(const dassdp_model_t *model, const void *state, const void *bytes,
                           uint32_t n_bytes);

/** The frame under way begins anew: its pieces so far never were. */
void dassdp_restart_frame(const dassdp_model_t *model, void *state);

#ifdef __cplusplus
}
#endif

#endif
