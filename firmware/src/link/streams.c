#include "streams.h"

#include "dassdp_stream.h"
#include "network.h"
#include "port.h"
#include "requests.h"
#include "wire.h"

int dassdp_waits_for_stream(const dassdp_link_t *link, uint8_t kind)
{
    return dassdp_is_streaming(link) && kind != DASSDP_KIND_PUSH && kind != DASSDP_KIND_PUT_SAMPLE
           && kind != DASSDP_KIND_STREAM;
}

int dassdp_request_stream(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                          uint8_t *response)
{
    (void)n_open;
    (void)response;
    uint32_t hop = dassdp_get_u16(request + DASSDP_STREAM_REQUEST_HOP);
    if (dassdp_streaming(link->model) == 0) {
        return DASSDP_E_ABSENT;
    }
    if (hop == 0u) {
        dassdp_stream_end(link->model, link->state);
        link->is_streaming = 0;
        return DASSDP_OK;
    }
    if (dassdp_is_streaming(link)) {
        return DASSDP_E_ORDER;
    }
    int status = dassdp_stream_begin(link->model, link->state, hop);
    link->is_streaming = status == DASSDP_OK;
    return status;
}

int dassdp_request_push(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                        uint8_t *response)
{
    const dassdp_model_t *model = link->model;
    const uint8_t *data = request + DASSDP_PUSH_REQUEST_DATA;
    dassdp_result_t result = {0};
    if (!dassdp_is_streaming(link)) {
        return dassdp_streaming(model) == 0 ? DASSDP_E_ABSENT : DASSDP_E_ORDER;
    }
    if (link->n_received == 0u) {
        dassdp_restart_frame(model, link->state);
    }
    uint32_t start = dassdp_port_ticks();
    int status = dassdp_push(model, link->state, data, n_open, &result);
    uint32_t ticks = dassdp_ticks_since(start);
    const dassdp_stream_state_t *stream = dassdp_stream(model, link->state);
    if (status < 0) {
        return status;
    }
    if (stream->is_run == 0u && dassdp_sensor(model) == 0) {
        return DASSDP_E_SAMPLE;
    }
    uint32_t crc = 0;
    if ((request[DASSDP_PUSH_REQUEST_FLAGS] & DASSDP_FLAG_WANT_FORWARD_DIGEST) != 0
        && stream->is_run != 0u) {
        crc = dassdp_digest_step(model, link->state, 0);
    }
    response[DASSDP_PUSH_RESPONSE_IS_DECIDED] = status == DASSDP_DECIDED;
    dassdp_put_u16(response + DASSDP_PUSH_RESPONSE_CLASS_IDX, result.class_idx);
    dassdp_put_u32(response + DASSDP_PUSH_RESPONSE_TICKS, ticks);
    dassdp_put_u32(response + DASSDP_PUSH_RESPONSE_DIGEST, crc);
    const int32_t *logits = dassdp_logits(model, link->state);
    for (uint32_t i = 0; i < model->n_classes; i++) {
        dassdp_put_u32(response + DASSDP_PUSH_RESPONSE_LOGITS + 4u * i,
                       status == DASSDP_DECIDED ? (uint32_t)logits[i] : 0u);
    }
    return DASSDP_PUSH_RESPONSE_BYTES - DASSDP_RESPONSE_HEADER_BYTES + 4 * (int)model->n_classes;
}

/* A piece of a frame that is not its last one. */
static int put_piece(dassdp_link_t *link, uint32_t offset, const uint8_t *bytes, uint32_t n_bytes)
{
    const dassdp_model_t *model = link->model;
    const dassdp_streaming_t *streaming = model->streaming;
    dassdp_result_t result;
    if (offset == 0u) {
        dassdp_restart_frame(model, link->state);
    }
    if (streaming->n_neurons == 0u
            ? dassdp_sensor(model) != 0 || n_bytes >= streaming->frame_bytes - offset
            : dassdp_frame_part(model, link->state, bytes, n_bytes) != n_bytes
                  || (n_bytes >= 2u && dassdp_get_u16(bytes + n_bytes - 2u) == UINT16_MAX)) {
        return DASSDP_E_INDEX;
    }
    return dassdp_push(model, link->state, bytes, n_bytes, &result);
}

/* A piece of a sample: each step runs as soon as its frame is whole. */
static int put_steps(dassdp_link_t *link, uint32_t offset, const uint8_t *bytes, uint32_t n_bytes)
{
    const dassdp_model_t *model = link->model;
    dassdp_result_t result;
    if (offset == 0u) {
        link->is_streaming = 0;
        (void)dassdp_stream_begin(model, link->state, model->n_steps);
    }
    dassdp_stream_state_t *stream = dassdp_stream(model, link->state);
    int is_last = offset + n_bytes == dassdp_sent_bytes(model);
    for (int status = 1; status == 1;) {
        uint32_t start = dassdp_port_ticks();
        dassdp_port_feed();
        status = dassdp_sample_part(model, link->state, &bytes, &n_bytes, is_last, &result);
        stream->ticks += dassdp_ticks_since(start);
        if (status < 0) {
            return status;
        }
        if (status == 1) {
            stream->digest = dassdp_digest_step(model, link->state, stream->digest);
        }
    }
    return DASSDP_OK;
}

int dassdp_put_frames(dassdp_link_t *link, uint32_t offset, const uint8_t *bytes, uint32_t n_bytes)
{
    const dassdp_streaming_t *streaming = link->model->streaming;
    if (streaming->n_neurons != 0u && n_bytes % 2u != 0u) {
        return DASSDP_E_SIZE;
    }
    if (offset != link->n_received && offset != 0u) {
        return DASSDP_E_INDEX;
    }
    if (dassdp_is_streaming(link)) {
        return put_piece(link, offset, bytes, n_bytes);
    }
    if (offset > streaming->sample_bytes || n_bytes > streaming->sample_bytes - offset) {
        return DASSDP_E_INDEX;
    }
    return put_steps(link, offset, bytes, n_bytes);
}

int dassdp_frames_ran(const dassdp_link_t *link, uint32_t n_steps)
{
    const dassdp_model_t *model = link->model;
    const dassdp_progress_t *progress = dassdp_progress(model, link->state);
    int is_whole = link->n_received == dassdp_sent_bytes(model);
    return link->n_received != 0u && progress->t_step == n_steps
           && (is_whole || n_steps < model->n_steps);
}
