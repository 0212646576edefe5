/* Frames that arrive while the network runs, and whole samples of them. */
#ifndef DASSDP_STREAM_STATE_H
#define DASSDP_STREAM_STATE_H

#include "state.h"

/* The stream under way; no snapshot holds it. */
typedef struct {
    uint32_t n_taken;      /* bytes of the frame under way */
    uint32_t n_sample;     /* of a whole sample */
    uint32_t digest;       /* over its steps, where somebody takes it */
    uint32_t ticks;        /* of its steps, likewise */
    uint32_t x_crc;        /* as it was before the frame under way */
    uint16_t hop;          /* 0: no stream */
    uint16_t to_decision;  /* frames */
    uint16_t to_window;    /* frames until the next window begins */
    uint16_t n_windows;    /* under way at once */
    uint16_t newest;       /* slot of the window that begins next, and of that which ends next */
    uint16_t oldest;
    uint8_t has_decided;   /* 1: its first window ended with the last step; 2: it did before */
    uint8_t is_run;        /* the step of the frame has run: the next byte begins another */
    uint16_t reserved;
} dassdp_stream_state_t;

static inline dassdp_stream_state_t *dassdp_stream(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->streaming->state_off);
}

/* Its samples come frame by frame, for the state holds no whole one. */
static inline int dassdp_keeps_frame(const dassdp_model_t *model)
{
    return dassdp_streaming(model) != 0 && model->streaming->keeps_one != 0u;
}

/* Bytes of a whole sample in order, up to the end of a frame; bytes and n_bytes are then what is left. Behind
 * the last of a list of events, is_last, steps that nothing came for run as well. Returns 1 where a step ran, 0
 * where more is needed or the sample is over, or an error. */
int dassdp_sample_part(const dassdp_model_t *model, void *state, const uint8_t **bytes,
                       uint32_t *n_bytes, int is_last, dassdp_result_t *result);

#endif
