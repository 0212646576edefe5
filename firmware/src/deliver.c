/* Spikes and currents into the sums of a population, by matrices and convolutions. */
#include "deliver.h"

#include <string.h>

#include "events.h"
#include "fixed.h"
#include "volume.h"

/* Rows of weights on their way into sums: full lists go there at once. */
typedef struct {
    const dassdp_projection_t *projection;
    const void *image;
    void *acc;
    int16_t *part;         /* int16 sums of a list, where the sums are int32 */
    dassdp_row_t *rows;
    uint32_t n_rows;
    uint32_t n_columns;    /* of them that are added where the sums are int32 */
    uint32_t is_wide;      /* int16 sums of a list go into int32 sums */
    uint32_t adds;
} sink_t;

static sink_t sink_of(const dassdp_model_t *model, void *state,
                      const dassdp_projection_t *projection, void *acc, uint32_t adds)
{
    const dassdp_progress_t *progress = dassdp_at_const(state, model->progress_off);
    const dassdp_population_t *post = &model->populations[projection->post];
    sink_t sink = {
        .projection = projection,
        .image = progress->uses_factory != 0u ? projection->factory
                                              : dassdp_image(projection, state),
        .acc = acc,
        .part = dassdp_at(state, model->part_off),
        .rows = dassdp_at(state, model->rows_off),
        .n_columns = DASSDP_COLUMNS((uint32_t)projection->n_post),
        .is_wide = (uint32_t)(post->acc_is_wide > (projection->weight_bits == 16u)),
        .adds = adds,
    };
    return sink;
}

static void flush(sink_t *sink)
{
    const dassdp_projection_t *projection = sink->projection;
    if (sink->n_rows == 0u) {
        return;
    }
    if (sink->is_wide != 0u) {
        int32_t *acc = sink->acc;
        int32_t kept = -(int32_t)sink->adds;
        projection->accumulate(projection, sink->part, sink->rows, sink->n_rows, 0, sink->image);
        for (uint32_t i = 0; i < sink->n_columns; i++) {
            acc[i] = (acc[i] & kept) + sink->part[i];
        }
    } else {
        projection->accumulate(projection, sink->acc, sink->rows, sink->n_rows, sink->adds,
                               sink->image);
    }
    sink->adds = 1;
    sink->n_rows = 0;
}

static void push(sink_t *sink, uint32_t row_idx, uint32_t times)
{
    dassdp_row_t row =
        dassdp_first_row(sink->image) + row_idx * sink->projection->row_bytes;
    while (times-- != 0u) {
        if (sink->n_rows == DASSDP_ROWS_MAX) {
            flush(sink);
        }
        sink->rows[sink->n_rows++] = row;
    }
}

uint32_t dassdp_deliver_rows(const dassdp_model_t *model, void *state,
                             const dassdp_projection_t *projection, void *acc, uint32_t adds,
                             uint32_t t_step)
{
    const dassdp_pool_t *pool = projection->path->sum_pool;
    dassdp_events_t events = dassdp_events(model, state, projection, t_step);
    sink_t sink = sink_of(model, state, projection, acc, adds);
    for (uint32_t n; (n = dassdp_events_next(&events)) != 0u;) {
        for (uint32_t a = 0; a < n; a++) {
            uint32_t times = dassdp_events_times(&events, events.listed[a]);
            if (pool == 0) {
                push(&sink, events.listed[a], times);
                continue;
            }
            dassdp_place_t at = dassdp_place(&pool->source, events.listed[a]);
            dassdp_span_t down = dassdp_windows(&pool->y, at.y);
            dassdp_span_t across = dassdp_windows(&pool->x, at.x);
            for (uint32_t y = down.begin; y < down.end; y++) {
                for (uint32_t x = across.begin; x < across.end; x++) {
                    push(&sink, dassdp_pooled(pool, y, x, at.channel), times);
                }
            }
        }
    }
    flush(&sink);
    return sink.adds;
}

/* Sums of a population of volumes, before the first of them is added. */
static void clear(const dassdp_model_t *model, const dassdp_projection_t *projection, void *acc,
                  uint32_t is_wide, uint32_t adds)
{
    if (adds == 0u) {
        uint32_t n = model->populations[projection->post].n_neurons;
        memset(acc, 0, DASSDP_COLUMNS(n) * (is_wide != 0u ? 4u : 2u));
    }
}

/* Outputs along one axis that taps reach. */
typedef struct {
    uint32_t begin;
    uint32_t n;
    uint32_t first;        /* of the taps in the image */
} reach_t;

static inline reach_t reach(const dassdp_taps_t *taps, uint32_t quotient, uint32_t phase,
                            uint32_t n_out)
{
    int32_t left = (int32_t)quotient - taps->quotient;
    int32_t right = left + taps->n_taps;
    int32_t begin = left < 0 ? 0 : left;
    int32_t end = right < (int32_t)n_out ? right : (int32_t)n_out;
    reach_t found = {(uint32_t)begin,
                     taps->phase != phase || end <= begin ? 0u : (uint32_t)(end - begin),
                     taps->first + (uint32_t)(begin - left)};
    return found;
}

/* Where kernels of a convolution go. */
typedef struct {
    const dassdp_conv_t *conv;
    const int8_t *image;
    uint8_t *acc;
} target_t;

/* `times` spikes, or a current, at one place and channel of the source: its weights, output by
 * output, are rectangles of taps whose rows lie side by side in the image and in the sums. */
static void scatter(const target_t *target, uint32_t y, uint32_t x, uint32_t channel,
                    int32_t times)
{
    const dassdp_conv_t *conv = target->conv;
    const int8_t *block = target->image + channel * conv->channel_bytes;
    uint8_t *acc = target->acc;
    const uint32_t in_y = y + conv->y.padding;
    const uint32_t in_x = x + conv->x.padding;
    const uint32_t quotient_y = dassdp_divide(in_y, &conv->y.by_stride);
    const uint32_t quotient_x = dassdp_divide(in_x, &conv->x.by_stride);
    const uint32_t row_step = (conv->x.n_out * conv->out_channels) << conv->acc_shift;
    if (conv->group_channels != 0u) {
        acc += (dassdp_divide(channel, &conv->by_group) * conv->tap_columns) << conv->acc_shift;
    }
    for (uint32_t a = 0; a < conv->n_across; a++) {
        reach_t across = reach(&conv->across[a], quotient_x,
                               in_x - quotient_x * conv->x.stride, conv->x.n_out);
        for (uint32_t d = 0; across.n != 0u && d < conv->n_down; d++) {
            reach_t down = reach(&conv->down[d], quotient_y,
                                 in_y - quotient_y * conv->y.stride, conv->y.n_out);
            const int8_t *row =
                block + down.first * conv->row_bytes + across.first * conv->tap_bytes;
            uint8_t *at = acc + down.begin * row_step
                          + ((across.begin * conv->out_channels) << conv->acc_shift);
            for (uint32_t n = down.n; n != 0u; n--) {
                conv->scatter(at, row, across.n * conv->tap_columns, times, conv);
                at += row_step;
                row += conv->row_bytes;
            }
        }
    }
}

/* The same by index, through a summed pool if there is one. */
static void scatter_from(const target_t *target, const dassdp_pool_t *pool, uint32_t idx,
                         int32_t times)
{
    dassdp_place_t at = dassdp_place(pool == 0 ? &target->conv->source : &pool->source, idx);
    if (pool == 0) {
        scatter(target, at.y, at.x, at.channel, times);
        return;
    }
    dassdp_span_t down = dassdp_windows(&pool->y, at.y);
    dassdp_span_t across = dassdp_windows(&pool->x, at.x);
    for (uint32_t y = down.begin; y < down.end; y++) {
        for (uint32_t x = across.begin; x < across.end; x++) {
            scatter(target, y, x, at.channel, times);
        }
    }
}

uint32_t dassdp_deliver_conv(const dassdp_model_t *model, void *state,
                             const dassdp_projection_t *projection, void *acc, uint32_t adds,
                             uint32_t t_step)
{
    const dassdp_path_t *path = projection->path;
    dassdp_events_t events = dassdp_events(model, state, projection, t_step);
    target_t target = {path->conv, projection->factory, acc};
    clear(model, projection, acc, path->conv->acc_shift - 1u, adds);
    for (uint32_t n; (n = dassdp_events_next(&events)) != 0u;) {
        for (uint32_t a = 0; a < n; a++) {
            uint32_t idx = events.listed[a];
            scatter_from(&target, path->sum_pool, idx,
                         (int32_t)dassdp_events_times(&events, idx));
        }
    }
    return 1;
}

void dassdp_deliver_currents(const dassdp_projection_t *projection, void *acc, const int8_t *x,
                             uint32_t adds)
{
    const dassdp_path_t *path = projection->path;
    target_t target = {path->conv, projection->factory, acc};
    if (adds == 0u) {
        memset(acc, 0, DASSDP_COLUMNS(path->conv->y.n_out * path->conv->x.n_out
                                      * path->conv->out_channels)
                           << path->conv->acc_shift);
    }
    for (uint32_t j = 0; j < path->n_source; j++) {
        if (x[j] != 0) {
            scatter_from(&target, path->sum_pool, j, x[j]);
        }
    }
}

/* One or more channels of one place are a list of rows. Rows of the image may be wider than a place
 * of the sums: what lies behind it gets zeros. */
static void at_place(sink_t *sink, void *acc, uint32_t column, uint32_t shift)
{
    void *place = (uint8_t *)acc + (column << shift);
    if (place != sink->acc) {
        flush(sink);
        sink->acc = place;
    }
}

uint32_t dassdp_deliver_channels(const dassdp_model_t *model, void *state,
                                 const dassdp_projection_t *projection, void *acc, uint32_t adds,
                                 uint32_t t_step)
{
    const dassdp_path_t *path = projection->path;
    const dassdp_conv_t *conv = path->conv;
    dassdp_events_t events = dassdp_events(model, state, projection, t_step);
    sink_t sink = sink_of(model, state, projection, acc, 1);
    clear(model, projection, acc, conv->acc_shift - 1u, adds);
    sink.n_columns = conv->out_channels < sink.n_columns ? conv->out_channels : sink.n_columns;
    for (uint32_t n; (n = dassdp_events_next(&events)) != 0u;) {
        for (uint32_t a = 0; a < n; a++) {
            uint32_t idx = events.listed[a];
            uint32_t times = dassdp_events_times(&events, idx);
            if (path->sum_pool == 0) {
                uint32_t place = dassdp_divide(idx, &conv->source.by_channels);
                at_place(&sink, acc, place * conv->out_channels, conv->acc_shift);
                push(&sink, idx - place * conv->source.n_channels, times);
                continue;
            }
            const dassdp_pool_t *pool = path->sum_pool;
            dassdp_place_t at = dassdp_place(&pool->source, idx);
            dassdp_span_t down = dassdp_windows(&pool->y, at.y);
            dassdp_span_t across = dassdp_windows(&pool->x, at.x);
            for (uint32_t y = down.begin; y < down.end; y++) {
                for (uint32_t x = across.begin; x < across.end; x++) {
                    at_place(&sink, acc, (y * pool->x.n_out + x) * conv->out_channels,
                             conv->acc_shift);
                    push(&sink, at.channel, times);
                }
            }
        }
    }
    flush(&sink);
    return 1;
}
