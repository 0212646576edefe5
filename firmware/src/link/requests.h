/* What each request does. The link has checked its size before. */
#ifndef DASSDP_REQUESTS_H
#define DASSDP_REQUESTS_H

#include "dassdp_tables.h"
#include "link.h"
#include "state.h"
#include "stream.h"

/* Bytes of a sample as it is sent: of a sensor two a value, of values with their targets behind it. */
static inline uint32_t dassdp_sent_bytes(const dassdp_model_t *model)
{
    if (dassdp_keeps_frame(model)) {
        return model->streaming->sample_bytes;
    }
    return dassdp_sensor(model) != 0 ? 2u * model->x_bytes
                                     : model->x_bytes + dassdp_target_bytes(model);
}

/* A sample of more than a chunk comes before the request that runs it, into the state; one whose frames run
 * as they arrive, always. */
static inline int dassdp_comes_in_pieces(const dassdp_model_t *model)
{
    return dassdp_keeps_frame(model) || dassdp_sent_bytes(model) > DASSDP_LINK_CHUNK_BYTES;
}

/* Ticks since `start`, modulo the counter's width; 0 where there is no counter. */
uint32_t dassdp_ticks_since(uint32_t start);

/* Readings of a model with a sensor, whole ones, go into its sample. */
void dassdp_take_readings(const dassdp_link_t *link, const uint8_t *bytes, uint32_t n_bytes);

/* Bytes of the targets of a sample from `offset` on. */
void dassdp_take_target(const dassdp_link_t *link, uint32_t offset, const uint8_t *bytes,
                        uint32_t n_bytes);

/* request: the decoded frame with its header; n_open: bytes of its open end (sample or chunk).
 * Writes the payload into response behind the header. Returns its size, or an error of
 * DASSDP_ERRORS or of the link, in which case no weight has changed. */
#define DASSDP_REQUEST_PROTOTYPE(NAME, function, n_bytes, open_end, needs_whole, writes)           \
    int dassdp_request_##function(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,    \
                                  uint8_t *response);
DASSDP_LINK_REQUESTS(DASSDP_REQUEST_PROTOTYPE)
#undef DASSDP_REQUEST_PROTOTYPE

#endif
