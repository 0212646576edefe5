/* What was learned as bytes that any board of the model takes, and the host: docs/state.md. */
#include <string.h>

#include "learn.h"
#include "state.h"
#include "wire.h"

enum {
    MAGIC = 0, VERSION = 4, HASH = 8, BODY_BYTES = 40, LEARNING_BYTES = 44, /* of the head */
    HEAD_BYTES = 48, /* a multiple of 8: the learning state behind it is looked at where it lies */
    CRC_BYTES = 4,
    PIECE_BYTES = 32
};
static const uint8_t MAGIC_BYTES[4] = {'d', 's', 's', 'p'};

static uint32_t learning_bytes(const dassdp_model_t *model)
{
    return model->persist_end - model->persist_begin;
}

static uint32_t width_of(const dassdp_projection_t *projection)
{
    return projection->weight_bits == 16u ? 2u : 1u;
}

/* Of the weights of a projection, none of a frozen one. */
static uint32_t weight_bytes(const dassdp_projection_t *projection)
{
    return projection->image_off < 0
               ? 0u
               : (uint32_t)projection->n_pre * projection->n_post * width_of(projection);
}

uint32_t dassdp_export_bytes(const dassdp_model_t *model)
{
    uint32_t n_bytes = HEAD_BYTES + learning_bytes(model) + CRC_BYTES;
    for (uint32_t p = 0; p < model->n_projections; p++) {
        n_bytes += weight_bytes(&model->projections[p]);
    }
    return n_bytes;
}

static void put_head(const dassdp_model_t *model, uint8_t *head)
{
    memcpy(head + MAGIC, MAGIC_BYTES, sizeof MAGIC_BYTES);
    dassdp_put_u32(head + VERSION, DASSDP_EXPORT_VERSION);
    memcpy(head + HASH, model->hash, sizeof model->hash);
    dassdp_put_u32(head + BODY_BYTES, dassdp_export_bytes(model) - HEAD_BYTES - CRC_BYTES);
    dassdp_put_u32(head + LEARNING_BYTES, learning_bytes(model));
}

/* What is asked for of the bytes to come: from the offset-th of them on. */
typedef struct {
    uint32_t offset;
    uint8_t *bytes;
    uint32_t n_bytes;
} piece_t;

/* How many of the next n_bytes are asked for, from *first on; they are then behind the piece, and
 * lie at its bytes before that: piece->bytes - what is returned. */
static uint32_t take(piece_t *piece, uint32_t n_bytes, uint32_t *first)
{
    if (piece->offset >= n_bytes) {
        piece->offset -= n_bytes;
        return 0;
    }
    uint32_t n = n_bytes - piece->offset;
    n = n < piece->n_bytes ? n : piece->n_bytes;
    *first = piece->offset;
    piece->offset = 0;
    piece->bytes += n;
    piece->n_bytes -= n;
    return n;
}

static void take_bytes(piece_t *piece, const void *bytes, uint32_t n_bytes)
{
    uint32_t first = 0;
    uint32_t n = take(piece, n_bytes, &first);
    memcpy(piece->bytes - n, (const uint8_t *)bytes + first, n);
}

/* The weight that natural index `idx` names, of a plastic projection, goes on to the next. */
typedef struct {
    uint32_t pre_idx;
    uint32_t post_idx;
} place_t;

static void advance(const dassdp_projection_t *projection, place_t *place)
{
    place->post_idx++;
    if (place->post_idx == projection->n_post) {
        place->post_idx = 0;
        place->pre_idx++;
    }
}

static void take_weights(piece_t *piece, const dassdp_model_t *model, const void *state, uint32_t p)
{
    const dassdp_projection_t *projection = &model->projections[p];
    const uint32_t width = width_of(projection);
    uint32_t first = 0;
    uint32_t n = take(piece, weight_bytes(projection), &first);
    uint32_t idx = first / width;
    place_t place = {idx / projection->n_post, idx % projection->n_post};
    uint32_t byte = first - idx * width;
    for (uint8_t *to = piece->bytes - n; to < piece->bytes; to++) {
        int32_t w = 0;
        (void)dassdp_weight_get(model, state, p, place.pre_idx, place.post_idx, &w);
        *to = (uint8_t)((uint32_t)w >> (8u * byte));
        byte++;
        if (byte == width) {
            byte = 0;
            advance(projection, &place);
        }
    }
}

/* All but the CRC. */
static void take_whole(piece_t *piece, const dassdp_model_t *model, const void *state)
{
    uint8_t head[HEAD_BYTES];
    put_head(model, head);
    take_bytes(piece, head, HEAD_BYTES);
    take_bytes(piece, dassdp_at_const(state, model->persist_begin), learning_bytes(model));
    for (uint32_t p = 0; p < model->n_projections; p++) {
        if (model->projections[p].image_off >= 0) {
            take_weights(piece, model, state, p);
        }
    }
}

static uint32_t crc_of(const dassdp_model_t *model, const void *state)
{
    const uint32_t end = dassdp_export_bytes(model) - CRC_BYTES;
    uint8_t bytes[PIECE_BYTES];
    uint32_t crc = 0;
    for (uint32_t offset = 0; offset < end; offset += PIECE_BYTES) {
        piece_t piece = {offset, bytes, end - offset < PIECE_BYTES ? end - offset : PIECE_BYTES};
        take_whole(&piece, model, state);
        crc = dassdp_crc32(crc, bytes, (uint32_t)(piece.bytes - bytes));
    }
    return crc;
}

int dassdp_export(const dassdp_model_t *model, const void *state, uint32_t offset, uint8_t *bytes,
                  uint32_t n_bytes)
{
    const uint32_t size = dassdp_export_bytes(model);
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    if (offset > size || n_bytes > size - offset) {
        return DASSDP_E_INDEX;
    }
    piece_t piece = {offset, bytes, n_bytes};
    take_whole(&piece, model, state);
    if (piece.n_bytes != 0u) {
        uint8_t crc[CRC_BYTES];
        dassdp_put_u32(crc, crc_of(model, state));
        take_bytes(&piece, crc, CRC_BYTES);
    }
    return DASSDP_OK;
}

static int check_head(const dassdp_model_t *model, const uint8_t *bytes, uint32_t n_bytes)
{
    if (((uintptr_t)bytes & 7u) != 0u) {
        return DASSDP_E_ALIGN;
    }
    if (n_bytes < HEAD_BYTES + CRC_BYTES) {
        return DASSDP_E_CRC;
    }
    if (memcmp(bytes + MAGIC, MAGIC_BYTES, sizeof MAGIC_BYTES) != 0 ||
        dassdp_get_u32(bytes + VERSION) != DASSDP_EXPORT_VERSION) {
        return DASSDP_E_EXPORT;
    }
    if (memcmp(bytes + HASH, model->hash, sizeof model->hash) != 0) {
        return DASSDP_E_MODEL;
    }
    const uint32_t end = n_bytes - CRC_BYTES;
    int is_whole = n_bytes == dassdp_export_bytes(model) &&
                   dassdp_get_u32(bytes + BODY_BYTES) == end - HEAD_BYTES &&
                   dassdp_get_u32(bytes + LEARNING_BYTES) == learning_bytes(model) &&
                   dassdp_crc32(0, bytes, end) == dassdp_get_u32(bytes + end);
    return is_whole ? DASSDP_OK : DASSDP_E_CRC;
}

static int32_t weight_at(const uint8_t *bytes, uint32_t width)
{
    return width == 2u ? (int16_t)dassdp_get_u16(bytes) : (int8_t)bytes[0];
}

static int weights_fit(const dassdp_projection_t *projection, const uint8_t *bytes)
{
    const int32_t bound = (int32_t)(1u << (projection->weight_bits - 1u));
    const uint32_t width = width_of(projection);
    for (const uint8_t *end = bytes + weight_bytes(projection); bytes < end; bytes += width) {
        int32_t w = weight_at(bytes, width);
        if (w < -bound || w >= bound) {
            return 0;
        }
    }
    return 1;
}

static int check_values(const dassdp_model_t *model, const uint8_t *bytes)
{
    const uint8_t *weights = bytes + HEAD_BYTES + learning_bytes(model);
    for (uint32_t p = 0; p < model->n_projections; p++) {
        if (!weights_fit(&model->projections[p], weights)) {
            return DASSDP_E_VALUE;
        }
        weights += weight_bytes(&model->projections[p]);
    }
    return dassdp_learning_fits(model, bytes + HEAD_BYTES - model->persist_begin);
}

static void put_weights(const dassdp_model_t *model, void *state, uint32_t p, const uint8_t *bytes)
{
    const dassdp_projection_t *projection = &model->projections[p];
    const uint32_t width = width_of(projection);
    place_t place = {0, 0};
    for (const uint8_t *end = bytes + weight_bytes(projection); bytes < end; bytes += width) {
        (void)dassdp_weight_set(model, state, p, place.pre_idx, place.post_idx,
                                weight_at(bytes, width));
        advance(projection, &place);
    }
}

int dassdp_import_check(const dassdp_model_t *model, const uint8_t *bytes, uint32_t n_bytes)
{
    int status = check_head(model, bytes, n_bytes);
    return status == DASSDP_OK ? check_values(model, bytes) : status;
}

int dassdp_import(const dassdp_model_t *model, void *state, const uint8_t *bytes, uint32_t n_bytes)
{
    int status = dassdp_is_learning(model, state) ? DASSDP_E_ORDER
                                                  : dassdp_import_check(model, bytes, n_bytes);
    if (status != DASSDP_OK) {
        return status;
    }
    const uint8_t *weights = bytes + HEAD_BYTES + learning_bytes(model);
    memcpy(dassdp_at(state, model->persist_begin), bytes + HEAD_BYTES, learning_bytes(model));
    for (uint32_t p = 0; p < model->n_projections; p++) {
        put_weights(model, state, p, weights);
        weights += weight_bytes(&model->projections[p]);
    }
    dassdp_begin_anew(model, state);
    return DASSDP_OK;
}
