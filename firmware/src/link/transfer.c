/* Weights, state, learning state and long samples in chunks. */
#include "network.h"
#include "requests.h"
#include "streams.h"
#include "wire.h"

typedef struct {
    uint32_t projection_idx;
    uint32_t pre_idx;
    uint32_t post_idx;
    uint32_t n_post;
    uint32_t n_bytes; /* of one weight on the wire */
} cursor_t;

static int is_inside(uint32_t first, uint32_t n, uint32_t size)
{
    return first <= size && n <= size - first;
}

/* Natural index `first` = pre * n_post + post of a projection. */
static int begin(const dassdp_link_t *link, uint32_t projection_idx, uint32_t first,
                 cursor_t *cursor)
{
    const dassdp_model_t *model = link->model;
    if (projection_idx >= model->n_projections) {
        return DASSDP_E_INDEX;
    }
    const dassdp_projection_t *projection = &model->projections[projection_idx];
    cursor->projection_idx = projection_idx;
    cursor->n_post = projection->n_post;
    cursor->n_bytes = projection->weight_bits == 16 ? 2 : 1;
    cursor->pre_idx = first / cursor->n_post;
    cursor->post_idx = first - cursor->pre_idx * cursor->n_post;
    return DASSDP_OK;
}

static uint32_t n_weights(const dassdp_link_t *link, const cursor_t *cursor)
{
    return link->model->projections[cursor->projection_idx].n_pre * cursor->n_post;
}

static void advance(cursor_t *cursor)
{
    cursor->post_idx++;
    if (cursor->post_idx == cursor->n_post) {
        cursor->post_idx = 0;
        cursor->pre_idx++;
    }
}

static int read_weight(const dassdp_link_t *link, const cursor_t *cursor, uint8_t *bytes)
{
    int32_t w = 0;
    int status = dassdp_weight_get(link->model, link->state, cursor->projection_idx,
                                   cursor->pre_idx, cursor->post_idx, &w);
    bytes[0] = (uint8_t)w;
    if (cursor->n_bytes == 2) {
        dassdp_put_u16(bytes, (uint32_t)w);
    }
    return status;
}

static int write_weight(const dassdp_link_t *link, const cursor_t *cursor, const uint8_t *bytes)
{
    int32_t w = cursor->n_bytes == 2 ? (int16_t)dassdp_get_u16(bytes) : (int8_t)bytes[0];
    return dassdp_weight_set(link->model, link->state, cursor->projection_idx, cursor->pre_idx,
                             cursor->post_idx, w);
}

int dassdp_request_read_weights(dassdp_link_t *link, const uint8_t *request,
                                uint32_t n_open, uint8_t *response)
{
    (void)n_open;
    uint32_t first = dassdp_get_u32(request + DASSDP_READ_WEIGHTS_REQUEST_FIRST);
    uint32_t n = request[DASSDP_READ_WEIGHTS_REQUEST_N_WEIGHTS];
    uint8_t *data = response + DASSDP_READ_WEIGHTS_RESPONSE_DATA;
    cursor_t cursor;
    int status = begin(link, dassdp_get_u16(request + DASSDP_READ_WEIGHTS_REQUEST_PROJECTION),
                       first, &cursor);
    if (status != DASSDP_OK) {
        return status;
    }
    if (n * cursor.n_bytes > DASSDP_LINK_CHUNK_BYTES ||
        !is_inside(first, n, n_weights(link, &cursor))) {
        return DASSDP_E_INDEX;
    }
    for (uint32_t i = 0; i < n && status == DASSDP_OK; i++) {
        status = read_weight(link, &cursor, data + i * cursor.n_bytes);
        advance(&cursor);
    }
    return status == DASSDP_OK ? (int)(n * cursor.n_bytes) : status;
}

/* Exchanges the weights from `cursor` on with those in `bytes`, up to the first that is refused;
 * n_done counts the exchanged ones. `saved` holds one chunk. */
static int exchange(const dassdp_link_t *link, cursor_t cursor, uint32_t n, const uint8_t *bytes,
                    uint8_t *saved, uint32_t *n_done)
{
    int status = DASSDP_OK;
    *n_done = 0;
    for (uint32_t i = 0; i < n; i++) {
        status = read_weight(link, &cursor, saved + i * cursor.n_bytes);
        if (status == DASSDP_OK) {
            status = write_weight(link, &cursor, bytes + i * cursor.n_bytes);
        }
        if (status != DASSDP_OK) {
            return status;
        }
        *n_done = i + 1;
        advance(&cursor);
    }
    return status;
}

int dassdp_request_write_weights(dassdp_link_t *link, const uint8_t *request,
                                 uint32_t n_open, uint8_t *response)
{
    const uint8_t *data = request + DASSDP_WRITE_WEIGHTS_REQUEST_DATA;
    uint8_t *saved = response + DASSDP_RESPONSE_HEADER_BYTES; /* the response has no payload */
    uint32_t first = dassdp_get_u32(request + DASSDP_WRITE_WEIGHTS_REQUEST_FIRST);
    cursor_t cursor;
    int status = begin(link, dassdp_get_u16(request + DASSDP_WRITE_WEIGHTS_REQUEST_PROJECTION),
                       first, &cursor);
    if (status != DASSDP_OK) {
        return status;
    }
    uint32_t n = cursor.n_bytes == 2 ? n_open / 2 : n_open;
    if (n * cursor.n_bytes != n_open) {
        return DASSDP_E_SIZE;
    }
    if (!is_inside(first, n, n_weights(link, &cursor))) {
        return DASSDP_E_INDEX;
    }
    link->is_torn = link->is_held;
    uint32_t n_done;
    status = exchange(link, cursor, n, data, saved, &n_done);
    for (uint32_t i = 0; status != DASSDP_OK && i < n_done; i++) {
        (void)write_weight(link, &cursor, saved + i * cursor.n_bytes); /* a value that was there */
        advance(&cursor);
    }
    return status;
}

static int read_bytes(const dassdp_link_t *link, uint32_t begin_off, uint32_t size,
                      uint32_t offset, uint32_t n, uint8_t *response)
{
    if (n > DASSDP_LINK_CHUNK_BYTES || !is_inside(offset, n, size)) {
        return DASSDP_E_INDEX;
    }
    dassdp_copy(response + DASSDP_READ_STATE_RESPONSE_DATA,
                (const uint8_t *)link->state + begin_off + offset, n);
    return (int)n;
}

int dassdp_request_read_state(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                              uint8_t *response)
{
    (void)n_open;
    return read_bytes(link, 0, link->model->state_bytes,
                      dassdp_get_u32(request + DASSDP_READ_STATE_REQUEST_OFFSET),
                      request[DASSDP_READ_STATE_REQUEST_N_BYTES], response);
}

static uint32_t persist_bytes(const dassdp_model_t *model)
{
    return model->persist_end - model->persist_begin;
}

int dassdp_request_read_learning(dassdp_link_t *link, const uint8_t *request,
                                 uint32_t n_open, uint8_t *response)
{
    (void)n_open;
    return read_bytes(link, link->model->persist_begin, persist_bytes(link->model),
                      dassdp_get_u32(request + DASSDP_READ_LEARNING_REQUEST_OFFSET),
                      request[DASSDP_READ_LEARNING_REQUEST_N_BYTES], response);
}

int dassdp_request_write_learning(dassdp_link_t *link, const uint8_t *request,
                                  uint32_t n_open, uint8_t *response)
{
    const dassdp_model_t *model = link->model;
    uint32_t offset = dassdp_get_u32(request + DASSDP_WRITE_LEARNING_REQUEST_OFFSET);
    (void)response;
    if (!is_inside(offset, n_open, persist_bytes(model))) {
        return DASSDP_E_INDEX;
    }
    dassdp_copy((uint8_t *)link->state + model->persist_begin + offset,
                request + DASSDP_WRITE_LEARNING_REQUEST_DATA, n_open);
    if (dassdp_sensor(model) != 0 && dassdp_sensor(model)->forget_windows != 0) {
        dassdp_sensor(model)->forget_windows(model, link->state); /* seen behind another profile */
    }
    link->is_held = 1;
    link->is_torn = 1;
    return DASSDP_OK;
}

int dassdp_request_hold(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                        uint8_t *response)
{
    (void)request;
    (void)n_open;
    (void)response;
    if (persist_bytes(link->model) == 0) {
        return DASSDP_E_FROZEN;
    }
    if (link->is_torn != 0) {
        return DASSDP_E_HELD;
    }
    link->is_held = 1;
    return DASSDP_OK;
}

int dassdp_request_release(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                           uint8_t *response)
{
    (void)request;
    (void)n_open;
    (void)response;
    int status = dassdp_check_learning(link->model, link->state);
    if (status == DASSDP_OK) {
        link->is_held = 0;
        link->is_torn = 0;
    }
    return status;
}

void dassdp_take_readings(const dassdp_link_t *link, const uint8_t *bytes, uint32_t n_bytes)
{
    int16_t counts[DASSDP_LINK_CHUNK_BYTES / 2];
    uint32_t n_channels = link->model->sensor->n_channels;
    for (const uint8_t *end = bytes + n_bytes; bytes < end;) {
        for (uint32_t c = 0; c < n_channels; c++, bytes += 2) {
            counts[c] = (int16_t)dassdp_get_u16(bytes);
        }
        (void)dassdp_read(link->model, link->state, counts);
    }
}

void dassdp_take_target(const dassdp_link_t *link, uint32_t offset, const uint8_t *bytes,
                        uint32_t n_bytes)
{
    dassdp_copy((uint8_t *)link->state + link->model->values->target_off + offset, bytes, n_bytes);
}

/* A piece of a sample that was sent as it is run, its targets behind it. */
static void put_bytes(const dassdp_link_t *link, uint32_t offset, const uint8_t *bytes,
                      uint32_t n_bytes)
{
    const dassdp_model_t *model = link->model;
    uint32_t n_x = n_bytes;
    if (dassdp_values(model) != 0) {
        uint32_t n_left = offset < model->x_bytes ? model->x_bytes - offset : 0u;
        n_x = n_left < n_bytes ? n_left : n_bytes;
        if (n_x < n_bytes) {
            dassdp_take_target(link, offset + n_x - model->x_bytes, bytes + n_x, n_bytes - n_x);
        }
    }
    dassdp_copy((uint8_t *)dassdp_sample(model, link->state) + offset, bytes, n_x);
}

/* A piece of a sample that was sent as readings. */
static int put_readings(dassdp_link_t *link, uint32_t offset, const uint8_t *bytes, uint32_t n_bytes)
{
    uint32_t reading_bytes = 2u * link->model->sensor->n_channels;
    if (n_bytes % reading_bytes != 0u) {
        return DASSDP_E_SIZE;
    }
    if (offset == 0u) {
        dassdp_restart_sample(link->model, link->state);
    }
    dassdp_take_readings(link, bytes, n_bytes);
    return DASSDP_OK;
}

int dassdp_request_put_sample(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                              uint8_t *response)
{
    const dassdp_model_t *model = link->model;
    uint32_t offset = dassdp_get_u32(request + DASSDP_PUT_SAMPLE_REQUEST_OFFSET);
    (void)response;
    if (dassdp_keeps_frame(model) || dassdp_is_streaming(link)) {
        int ran = dassdp_put_frames(link, offset, request + DASSDP_PUT_SAMPLE_REQUEST_DATA, n_open);
        if (ran != DASSDP_E_INDEX) {
            link->n_received = ran == DASSDP_OK ? offset + n_open : 0;
        }
        return ran;
    }
    if (!dassdp_comes_in_pieces(model) || (offset != link->n_received && offset != 0) ||
        !is_inside(offset, n_open, dassdp_sent_bytes(model))) {
        return DASSDP_E_INDEX;
    }
    const uint8_t *data = request + DASSDP_PUT_SAMPLE_REQUEST_DATA;
    int status = DASSDP_OK;
    if (dassdp_sensor(model) != 0) {
        status = put_readings(link, offset, data, n_open);
    } else {
        put_bytes(link, offset, data, n_open);
    }
    link->n_received = status == DASSDP_OK ? offset + n_open : 0;
    return status;
}
