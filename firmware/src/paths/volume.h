/* Places of volumes, without a division. */
#ifndef DASSDP_VOLUME_H
#define DASSDP_VOLUME_H

#include "dassdp_tables.h"

static inline uint32_t dassdp_divide(uint32_t n, const dassdp_divisor_t *divisor)
{
    return (n * divisor->factor + divisor->addend) >> divisor->shift;
}

typedef struct {
    uint32_t y, x, channel;
} dassdp_place_t;

static inline dassdp_place_t dassdp_place(const dassdp_volume_t *volume, uint32_t idx)
{
    uint32_t place = dassdp_divide(idx, &volume->by_channels);
    uint32_t y = dassdp_divide(place, &volume->by_width);
    dassdp_place_t at = {y, place - y * volume->width, idx - place * volume->n_channels};
    return at;
}

/* Windows [begin, end) of a pool that hold a place. */
typedef struct {
    uint32_t begin, end;
} dassdp_span_t;

static inline dassdp_span_t dassdp_windows(const dassdp_axis_t *axis, uint32_t place)
{
    uint32_t at = place + axis->padding;
    uint32_t end = dassdp_divide(at, &axis->by_stride) + 1u;
    uint32_t past = at + axis->stride;
    dassdp_span_t span = {
        past < axis->kernel ? 0u : dassdp_divide(past - axis->kernel, &axis->by_stride),
        end < axis->n_out ? end : axis->n_out,
    };
    return span;
}

/* Index of a channel behind a pool, in the window (y, x). */
static inline uint32_t dassdp_pooled(const dassdp_pool_t *pool, uint32_t y, uint32_t x,
                                     uint32_t channel)
{
    return (y * pool->x.n_out + x) * pool->source.n_channels + channel;
}

#endif
