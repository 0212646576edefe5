/* Samples without end: frames in, a decision every hop. */
#include "stream.h"

#include <string.h>

#include "dassdp_stream.h"
#include "kernels.h"
#include "network.h"
#include "wire.h"

_Static_assert(sizeof(dassdp_stream_state_t) == 36, "the plan's size");

enum { END_OF_STEP = 0xFFFF, EVENT_BYTES = 2, NUMBER_MAX = 255 };

/* Sums of the readout since the stream began, modulo 2^32; behind them, as they were when a window
 * began. */
static uint32_t *sums_of(const dassdp_model_t *model, void *state, uint32_t slot)
{
    return (uint32_t *)dassdp_at(state, (uint32_t)model->streaming->sums_off)
           + slot * model->n_classes;
}

static void begin_window(const dassdp_model_t *model, void *state, dassdp_stream_state_t *stream)
{
    memcpy(sums_of(model, state, 1u + stream->newest), sums_of(model, state, 0),
           model->n_classes * 4u);
    stream->newest = stream->newest + 1u == stream->n_windows ? 0u : (uint16_t)(stream->newest + 1u);
    stream->to_window = stream->hop;
}

int dassdp_stream_begin(const dassdp_model_t *model, void *state, uint32_t hop)
{
    const dassdp_streaming_t *streaming = dassdp_streaming(model);
    if (streaming == 0) {
        return DASSDP_E_ABSENT;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    if (hop < streaming->least_hop || hop > model->n_steps) {
        return DASSDP_E_VALUE;
    }
    dassdp_progress_t *progress = dassdp_progress(model, state);
    uint32_t n_x_saturated = progress->n_x_saturated; /* nothing of it has come yet */
    int status = dassdp_begin(model, state, 0);
    progress->n_x_saturated = n_x_saturated;
    dassdp_stream_state_t *stream = dassdp_stream(model, state);
    *stream = (dassdp_stream_state_t){
        .hop = (uint16_t)hop,
        .to_decision = model->n_steps,
        .n_windows = (uint16_t)((model->n_steps + hop - 1u) / hop),
        .is_run = 1,
    };
    memset(sums_of(model, state, 0), 0, model->n_classes * 4u);
    begin_window(model, state, stream);
    dassdp_restart_sample(model, state);
    return status;
}

void dassdp_stream_end(const dassdp_model_t *model, void *state)
{
    if (dassdp_streaming(model) != 0) {
        dassdp_stream(model, state)->hop = 0;
    }
}

/* Where the frame under way lies, or the reading. */
static int8_t *frame_of(const dassdp_model_t *model, void *state)
{
    const dassdp_streaming_t *streaming = model->streaming;
    uint32_t at = 0;
    if (streaming->keeps_one == 0u) {
        at = dassdp_progress(model, state)->t_step % model->n_steps * streaming->frame_bytes;
    }
    return dassdp_sample(model, state) + at;
}

static uint32_t *events_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->streaming->spk_off);
}

static void clear_events(const dassdp_model_t *model, void *state)
{
    const dassdp_streaming_t *streaming = model->streaming;
    if (streaming->n_neurons != 0u) {
        memset(events_of(model, state), 0, DASSDP_WORDS((uint32_t)streaming->n_neurons) * 4u);
        if (streaming->multi_off >= 0) {
            memset(dassdp_at(state, (uint32_t)streaming->multi_off), 0, streaming->n_neurons);
        }
    }
}

void dassdp_restart_frame(const dassdp_model_t *model, void *state)
{
    if (dassdp_streaming(model) == 0 || dassdp_sensor(model) != 0) {
        return; /* a reading is whole */
    }
    dassdp_stream_state_t *stream = dassdp_stream(model, state);
    if (stream->is_run == 0u) {
        stream->n_taken = 0;
        dassdp_progress(model, state)->x_crc = stream->x_crc;
        clear_events(model, state);
    }
}

uint32_t dassdp_frame_part(const dassdp_model_t *model, const void *state, const void *bytes,
                           uint32_t n_bytes)
{
    const dassdp_streaming_t *streaming = dassdp_streaming(model);
    if (streaming == 0) {
        return 0;
    }
    const dassdp_stream_state_t *stream = dassdp_at_const(state, (uint32_t)streaming->state_off);
    if (streaming->n_neurons == 0u) {
        uint32_t left = streaming->frame_bytes - (stream->is_run != 0u ? 0u : stream->n_taken);
        return n_bytes < left ? n_bytes : left;
    }
    for (uint32_t i = 0; i + EVENT_BYTES <= n_bytes; i += EVENT_BYTES) {
        if (dassdp_get_u16((const uint8_t *)bytes + i) == END_OF_STEP) {
            return i + EVENT_BYTES;
        }
    }
    return n_bytes;
}

/* Addresses of a step; returns whether the last one ends it, or an error before any was taken. */
static int take_events(const dassdp_model_t *model, void *state, const uint8_t *bytes,
                       uint32_t n_bytes)
{
    const dassdp_streaming_t *streaming = model->streaming;
    uint32_t *spk_bits = events_of(model, state);
    uint8_t *numbers =
        streaming->multi_off < 0 ? 0 : dassdp_at(state, (uint32_t)streaming->multi_off);
    if (n_bytes % EVENT_BYTES != 0u || dassdp_frame_part(model, state, bytes, n_bytes) != n_bytes) {
        return DASSDP_E_INDEX;
    }
    for (uint32_t i = 0; i < n_bytes; i += EVENT_BYTES) {
        uint32_t idx = dassdp_get_u16(bytes + i);
        if (idx == END_OF_STEP) {
            return 1;
        }
        if (idx < streaming->n_neurons) {
            spk_bits[idx >> 5] |= 1u << (idx & 31u);
            if (numbers != 0 && numbers[idx] < NUMBER_MAX) {
                numbers[idx]++;
            }
        }
    }
    return 0;
}

/* A reading of the sensor through its profile; returns whether the frame is whole. */
static int take_reading(const dassdp_model_t *model, void *state, const uint8_t *bytes,
                        uint32_t n_bytes, dassdp_stream_state_t *stream)
{
    const dassdp_streaming_t *streaming = model->streaming;
    int16_t counts[DASSDP_SENSOR_CHANNELS];
    if (n_bytes != 2u * streaming->piece_bytes) {
        return DASSDP_E_INDEX;
    }
    for (uint32_t c = 0; c < streaming->piece_bytes; c++) {
        counts[c] = (int16_t)dassdp_get_u16(bytes + 2u * c);
    }
    int status = model->sensor->take(model, state, counts);
    stream->n_taken += streaming->piece_bytes;
    return status < 0 ? status : stream->n_taken == streaming->frame_bytes;
}

static int take_frame(const dassdp_model_t *model, void *state, const uint8_t *bytes,
                      uint32_t n_bytes, dassdp_stream_state_t *stream)
{
    uint32_t frame_bytes = model->streaming->frame_bytes;
    if (n_bytes > frame_bytes - stream->n_taken) {
        return DASSDP_E_INDEX;
    }
    memcpy(frame_of(model, state) + stream->n_taken, bytes, n_bytes);
    stream->n_taken += n_bytes;
    return stream->n_taken == frame_bytes;
}

/* Bytes of a sample become part of what a lesson from it was from, as dassdp_note has them. */
static void note(const dassdp_model_t *model, void *state, const void *bytes, uint32_t n_bytes)
{
    dassdp_progress_t *progress = dassdp_progress(model, state);
    if (model->learns != 0u) {
        progress->x_crc = dassdp_crc32(progress->x_crc, bytes, n_bytes);
    }
}

static void begin_frame(const dassdp_model_t *model, void *state, dassdp_stream_state_t *stream)
{
    if (stream->is_run != 0u) {
        stream->is_run = 0;
        stream->n_taken = 0;
        stream->x_crc = dassdp_progress(model, state)->x_crc;
        clear_events(model, state);
    }
}

/* Bytes of a frame; returns 1 where it is whole. */
static int take(const dassdp_model_t *model, void *state, const void *bytes, uint32_t n_bytes,
                dassdp_stream_state_t *stream)
{
    begin_frame(model, state, stream);
    int status = model->streaming->n_neurons != 0u ? take_events(model, state, bytes, n_bytes)
                 : dassdp_sensor(model) != 0 ? take_reading(model, state, bytes, n_bytes, stream)
                                             : take_frame(model, state, bytes, n_bytes, stream);
    if (status >= 0 && stream->has_decided == 0u && dassdp_sensor(model) == 0) {
        note(model, state, bytes, n_bytes);
    }
    return status;
}

/* The frame's values at an end of int8 are counted, bits behind its last neuron cleared. */
static void complete(const dassdp_model_t *model, void *state, const dassdp_stream_state_t *stream)
{
    const dassdp_streaming_t *streaming = model->streaming;
    if (streaming->n_neurons != 0u) {
        return;
    }
    int8_t *frame = frame_of(model, state);
    if (stream->has_decided == 0u && dassdp_sensor(model) != 0) {
        note(model, state, frame, streaming->frame_bytes);
    }
    if (model->inputs[0].tail_bits != 0u) {
        uint32_t *tail = (uint32_t *)(void *)(frame + streaming->frame_bytes);
        tail[-1] &= model->inputs[0].tail_bits;
    }
    for (uint32_t i = 0; streaming->has_values != 0u && i < streaming->frame_bytes; i++) {
        dassdp_progress(model, state)->n_x_saturated += (uint32_t)(frame[i] * frame[i] + 255) >> 14;
    }
}

/* Behind the last step of a sample records and rasters of the next one begin. */
static void pass_end(const dassdp_model_t *model, void *state, dassdp_progress_t *progress)
{
    progress->t_step = 0;
    for (uint32_t i = 0; i < model->n_populations; i++) {
        if (model->populations[i].count_off >= 0) {
            dassdp_record_t record = dassdp_record(model, state, &model->populations[i],
                                                   dassdp_learning(model, state)->batch_idx);
            dassdp_record_clear(&record);
        }
    }
}

/* The logits of the window that ends here, and its class. The first one is a sample: it may be learned. */
static int decide(const dassdp_model_t *model, void *state, dassdp_stream_state_t *stream,
                  dassdp_result_t *result)
{
    int32_t *logits = dassdp_sums(model, state);
    const uint32_t *now = sums_of(model, state, 0);
    const uint32_t *then = sums_of(model, state, 1u + stream->oldest);
    for (uint32_t c = 0; c < model->n_classes; c++) {
        logits[c] = (int32_t)(now[c] - then[c]);
    }
    stream->oldest = stream->oldest + 1u == stream->n_windows ? 0u : (uint16_t)(stream->oldest + 1u);
    stream->to_decision = stream->hop;
    if (stream->has_decided == 0u) {
        stream->has_decided = 1;
        (void)dassdp_end(model, state, result);
        return DASSDP_DECIDED;
    }
    memset(result, 0, sizeof *result);
    result->class_idx = (uint16_t)dassdp_class(model, state);
    return DASSDP_DECIDED;
}

/* The step of a frame. */
static int run(const dassdp_model_t *model, void *state, dassdp_stream_state_t *stream,
               dassdp_result_t *result)
{
    dassdp_progress_t *progress = dassdp_progress(model, state);
    int32_t *logits = dassdp_sums(model, state);
    uint32_t *now = sums_of(model, state, 0);
    if (progress->t_step == model->n_steps) {
        pass_end(model, state, progress);
    }
    if (stream->has_decided != 0u) {
        stream->has_decided = 2;
    }
    progress->phase = DASSDP_RUNNING;
    memset(logits, 0, model->n_classes * 4u);
    (void)dassdp_step(model, state);
    for (uint32_t c = 0; c < model->n_classes; c++) {
        now[c] += (uint32_t)logits[c];
    }
    stream->is_run = 1;
    stream->to_decision--;
    stream->to_window--;
    int status = stream->to_decision == 0u ? decide(model, state, stream, result) : DASSDP_OK;
    if (stream->to_window == 0u) {
        begin_window(model, state, stream);
    }
    return status;
}

/* A stream, on whose state nothing else ran since: a lesson or another sample ends it. */
static int is_under_way(const dassdp_model_t *model, void *state, dassdp_stream_state_t *stream)
{
    uint32_t phase = stream->has_decided == 1u ? DASSDP_COMPLETE : DASSDP_RUNNING;
    if (dassdp_progress(model, state)->phase != phase) {
        stream->hop = 0;
    }
    return stream->hop != 0u;
}

int dassdp_push(const dassdp_model_t *model, void *state, const void *bytes, uint32_t n_bytes,
                dassdp_result_t *result)
{
    if (dassdp_streaming(model) == 0) {
        return DASSDP_E_ABSENT;
    }
    dassdp_stream_state_t *stream = dassdp_stream(model, state);
    if (!is_under_way(model, state, stream)) {
        return DASSDP_E_ORDER;
    }
    int status = take(model, state, bytes, n_bytes, stream);
    if (status <= 0) {
        return status;
    }
    complete(model, state, stream);
    return run(model, state, stream, result);
}

int dassdp_sample_part(const dassdp_model_t *model, void *state, const uint8_t **bytes,
                       uint32_t *n_bytes, int is_last, dassdp_result_t *result)
{
    dassdp_stream_state_t *stream = dassdp_stream(model, state);
    while (stream->has_decided == 0u) {
        uint32_t left = model->streaming->listed_bytes - stream->n_sample;
        uint32_t n = *n_bytes < left ? *n_bytes : left;
        if (n == 0u) {
            break;
        }
        n = dassdp_frame_part(model, state, *bytes, n);
        int status = dassdp_push(model, state, *bytes, n, result);
        if (status < 0) {
            return status;
        }
        *bytes += n;
        *n_bytes -= n;
        stream->n_sample += n;
        if (stream->is_run != 0u) {
            return 1;
        }
    }
    note(model, state, *bytes, *n_bytes); /* padding, or events behind the last step */
    *n_bytes = 0;
    if (stream->has_decided != 0u || is_last == 0 || model->streaming->n_neurons == 0u
        || !is_under_way(model, state, stream)) {
        return 0;
    }
    begin_frame(model, state, stream);
    (void)run(model, state, stream, result);
    return 1;
}
