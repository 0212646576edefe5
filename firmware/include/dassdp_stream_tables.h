/* edge_dassdp: tables of streams that generated code fills. Applications need none of it: dassdp_stream.h. */
#ifndef DASSDP_STREAM_TABLES_H
#define DASSDP_STREAM_TABLES_H

#include "dassdp_stream.h"

/* Frames that arrive while a model runs, of its only input. */
typedef struct {
    uint16_t least_hop;    /* frames; there is memory for the windows of this one */
    uint16_t n_slots;      /* windows under way at once */
    uint16_t frame_bytes;  /* in the state, beside events */
    uint16_t piece_bytes;  /* of a reading of the sensor, in the state; 0 without one */
    uint16_t n_neurons;    /* of an input of events; 0: others */
    uint8_t has_values;    /* frames hold currents */
    uint8_t keeps_one;     /* the state has room for one frame, else for n_steps */
    uint32_t sample_bytes; /* n_steps frames, or the longest list of events */
    uint32_t listed_bytes; /* of them, without padding */
    int32_t state_off;     /* dassdp_stream_state_t */
    int32_t sums_off;      /* uint32 sums of the readout: since it began, then by window */
    int32_t spk_off;       /* of events: packed spikes of the step, and how many */
    int32_t multi_off;
} dassdp_streaming_t;

#endif
