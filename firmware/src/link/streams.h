/* Frames over the link: of a stream, and of samples of which the state holds no more. */
#ifndef DASSDP_STREAMS_H
#define DASSDP_STREAMS_H

#include "link.h"
#include "stream.h"

/* A stream that a host opened is under way. */
static inline int dassdp_is_streaming(const dassdp_link_t *link)
{
    return dassdp_streaming(link->model) != 0 && link->is_streaming != 0u
           && dassdp_stream(link->model, link->state)->hop != 0u;
}

/* Whether a request of that kind, which runs something, has to wait for the end of the stream. */
int dassdp_waits_for_stream(const dassdp_link_t *link, uint8_t kind);

/* Pieces of a sample, or of a frame of a stream, which run as soon as a step is whole, but for the last
 * of a stream's frame, which a PUSH brings. */
int dassdp_put_frames(dassdp_link_t *link, uint32_t offset, const uint8_t *bytes, uint32_t n_bytes);

/* Whether n_steps of a sample have come and run. */
int dassdp_frames_ran(const dassdp_link_t *link, uint32_t n_steps);

#endif
