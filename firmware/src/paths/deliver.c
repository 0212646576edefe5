/* Spikes into the sums of a population, by matrices. */
#include "deliver.h"

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
    const dassdp_population_t *post = &model->populations[projection->post];
    sink_t sink = {
        .projection = projection,
        .image = dassdp_image_in_use(model, projection, state),
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
        const int16_t *part = sink->part;
        const int32_t *end = acc + sink->n_columns, kept = -(int32_t)sink->adds;
        projection->accumulate(projection, sink->part, sink->rows, sink->n_rows, 0, sink->image);
        for (; acc != end; acc++) {
            *acc = (*acc & kept) + *part++;
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
                  uint32_t adds)
{
    if (adds == 0u) {
        uint32_t n = model->populations[projection->post].n_neurons;
        dassdp_k_fill(acc, DASSDP_COLUMNS(n) << projection->path->conv->acc_shift >> 2, 0);
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
    clear(model, projection, acc, adds);
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
