/* Spikes and currents into the sums of a population, by convolutions. */
#include "deliver.h"
#include "events.h"
#include "volume.h"

/* Bytes of the sums of a convolution. */
static uint32_t sums_bytes(const dassdp_conv_t *conv)
{
    return DASSDP_COLUMNS(conv->y.n_out * conv->x.n_out * conv->out_channels) << conv->acc_shift;
}

/* Sums before the first of them is added, in the form that kernels add to, or from that form back:
 * zero is what a word of zeros then is. n_bytes: of whole groups of 8 int16. */
static void prepare(uint32_t *acc, uint32_t n_bytes, uint32_t zero, uint32_t adds)
{
    const uint32_t *end = acc + n_bytes / 4u;
    if (adds == 0u) {
        dassdp_k_fill(acc, n_bytes / 4u, zero);
    } else if (zero != 0u) {
        for (; acc != end; acc += 4) {
            acc[0] ^= zero;
            acc[1] ^= zero;
            acc[2] ^= zero;
            acc[3] ^= zero;
        }
    }
}

enum { NOWHERE = 1 << 24 }; /* further than the place of any neuron */

/* Outputs along one axis that taps reach. */
typedef struct {
    uint32_t begin;
    uint32_t n;
    uint32_t first;        /* of the taps in the image */
} reach_t;

static inline reach_t reach(const dassdp_taps_t *taps, uint32_t quotient, uint32_t n_out)
{
    int32_t left = (int32_t)quotient - taps->quotient;
    int32_t right = left + taps->n_taps;
    int32_t begin = left < 0 ? 0 : left;
    int32_t end = right < (int32_t)n_out ? right : (int32_t)n_out;
    reach_t found = {(uint32_t)begin, end <= begin ? 0u : (uint32_t)(end - begin),
                     taps->first + (uint32_t)(begin - left)};
    return found;
}

/* A source place along an axis: place + padding = quotient stride + phase. */
typedef struct {
    uint32_t quotient, phase;
} stand_t;

static inline stand_t stand(const dassdp_axis_t *axis, uint32_t place)
{
    uint32_t at = place + axis->padding;
    uint32_t quotient = dassdp_divide(at, &axis->by_stride);
    stand_t found = {quotient, at - quotient * axis->stride};
    return found;
}

/* Neurons of one row of places from which all taps across reach outputs, with stride 1: the patches of
 * their places lie side by side. */
typedef struct {
    dassdp_run_t run;
    uint32_t first, n_most; /* place of the first in any row, neurons of a row that reaches outputs */
} inner_t;

/* A convolution, and what the last place of its source reached: the neurons of one follow each
 * other. */
typedef struct {
    const dassdp_conv_t *conv;
    const int8_t *image;
    uint8_t *acc;
    uint32_t begin;        /* index of the place's first neuron */
    uint32_t row_begin;    /* place that its row of places begins with */
    uint32_t n_down;       /* outputs down */
    uint32_t acc_row, image_row; /* bytes to what is reached down; then across, for channel 0 */
    uint32_t acc_off, image_off;
    uint32_t n_across;     /* outputs across of the patch */
    uint32_t group_bytes;  /* of sums, to the next group of channels */
    dassdp_patch_t patch;
    inner_t inner;
} target_t;

/* No row yet. None of them are inner with another stride, with dilation, with groups of several channels,
 * or where the volume is narrower than the kernel. */
static void begin_inner(inner_t *inner, const dassdp_conv_t *conv)
{
    const dassdp_taps_t *taps = conv->across;
    const int32_t padding = (int32_t)conv->x.padding, quotient = taps->quotient;
    const int32_t last = quotient - padding + (int32_t)conv->x.n_out - taps->n_taps;
    const int32_t first = quotient > padding ? quotient - padding : 0;
    const int32_t end = last < (int32_t)conv->source.width ? last + 1 : (int32_t)conv->source.width;
    const uint32_t is_fit = (uint32_t)(conv->x.stride == 1u) & (uint32_t)(conv->is_dilated == 0u)
                            & (uint32_t)(conv->group_channels <= 1u) & (uint32_t)(end > first);
    dassdp_run_t *run = &inner->run;
    run->patch.place_bytes = conv->out_channels << conv->acc_shift;
    run->patch.n_columns = taps->n_taps * conv->tap_columns;
    run->patch.acc_step = (conv->x.n_out - taps->n_taps) * run->patch.place_bytes;
    run->patch.image_step = conv->row_bytes - taps->n_taps * conv->tap_bytes;
    run->patch.tap_columns = conv->tap_columns;
    run->group_bytes = conv->group_channels == 0u ? 0u : conv->tap_columns << conv->acc_shift;
    run->channel_bytes = conv->channel_bytes;
    run->begin = NOWHERE;
    run->n = 0;
    run->by_channels = conv->source.by_channels;
    run->n_channels = conv->source.n_channels;
    inner->first = (uint32_t)first;
    inner->n_most = is_fit == 0u ? 0u : (uint32_t)(end - first) * conv->source.n_channels;
}

/* Field by field: what a place and a row set is not written before. */
static void begin(target_t *target, const dassdp_projection_t *projection, void *acc)
{
    const dassdp_conv_t *conv = projection->path->conv;
    target->conv = conv;
    target->image = projection->factory;
    target->acc = acc;
    target->begin = NOWHERE;
    target->row_begin = NOWHERE;
    target->n_across = NOWHERE;
    target->group_bytes = conv->tap_columns << conv->acc_shift;
    begin_inner(&target->inner, conv);
    target->patch.tap_columns = conv->tap_columns;
    target->patch.place_bytes = target->inner.run.patch.place_bytes;
}

static inline void aim_down(target_t *target, reach_t down)
{
    const dassdp_conv_t *conv = target->conv;
    target->n_down = down.n;
    target->acc_row = down.begin * conv->x.n_out * target->patch.place_bytes;
    target->image_row = down.first * conv->row_bytes;
}

static inline void aim_across(target_t *target, reach_t across)
{
    const dassdp_conv_t *conv = target->conv;
    dassdp_patch_t *patch = &target->patch;
    const uint32_t n = across.n;
    if (n != target->n_across) {
        target->n_across = n;
        patch->n_columns = n * patch->tap_columns;
        patch->acc_step = (conv->x.n_out - n) * patch->place_bytes;
        patch->image_step = conv->row_bytes - n * conv->tap_bytes;
    }
    patch->n_rows = n == 0u ? 0u : target->n_down;
    target->acc_off = target->acc_row + across.begin * patch->place_bytes;
    target->image_off = target->image_row + across.first * conv->tap_bytes;
}

/* `times` spikes, or a current, of a channel into the patch. */
static inline void scatter(const target_t *target, uint32_t channel, int32_t times)
{
    const dassdp_conv_t *conv = target->conv;
    uint8_t *acc = target->acc + target->acc_off;
    if (target->patch.n_rows == 0u) {
        return;
    }
    if (conv->group_channels != 0u) {
        uint32_t group = conv->group_channels == 1u ? channel
                                                    : dassdp_divide(channel, &conv->by_group);
        acc += group * target->group_bytes;
    }
    conv->scatter(acc, target->image + (target->image_off + channel * conv->channel_bytes),
                  &target->patch, times);
}

/* Taps that reach outputs from a place; runs lie by phase, and places of a phase behind the last
 * one reach nothing. */
static inline reach_t reach_from(const dassdp_axis_t *axis, const dassdp_taps_t *runs,
                                 uint32_t n_runs, uint32_t place)
{
    const reach_t nothing = {0, 0, 0};
    stand_t at = stand(axis, place);
    return at.phase < n_runs ? reach(&runs[at.phase], at.quotient, axis->n_out) : nothing;
}

/* The row of places begins with place row_begin. */
static void enter_row(target_t *target, uint32_t y)
{
    const dassdp_conv_t *conv = target->conv;
    const inner_t *inner = &target->inner;
    dassdp_run_t *run = &target->inner.run;
    target->row_begin = y * conv->source.width;
    aim_down(target, reach_from(&conv->y, conv->down, conv->n_down, y));
    run->begin = (target->row_begin + inner->first) * run->n_channels;
    run->n = target->n_down == 0u ? 0u : inner->n_most;
    run->acc = target->acc + target->acc_row
               + (inner->first + conv->x.padding - conv->across->quotient) * run->patch.place_bytes;
    run->image = target->image + target->image_row;
    run->patch.n_rows = target->n_down;
}

/* Of neuron idx, whose index among the inner ones of its row is `at`. */
static inline void scatter_inner(const target_t *target, uint32_t at, int32_t times)
{
    const dassdp_run_t *run = &target->inner.run;
    const uint32_t place = dassdp_divide(at, &run->by_channels);
    const uint32_t channel = at - place * run->n_channels;
    target->conv->scatter(
        run->acc + (place * run->patch.place_bytes + channel * run->group_bytes),
        run->image + channel * run->channel_bytes, &run->patch, times);
}

/* The place is that of neuron idx; returns whether it is an inner one. */
static uint32_t move(target_t *target, uint32_t idx)
{
    const dassdp_conv_t *conv = target->conv;
    const uint32_t place = dassdp_divide(idx, &conv->source.by_channels);
    if (place - target->row_begin >= conv->source.width) {
        enter_row(target, dassdp_divide(place, &conv->source.by_width));
        if (idx - target->inner.run.begin < target->inner.run.n) {
            return 1;
        }
    }
    target->begin = place * conv->source.n_channels;
    aim_across(target, reach_from(&conv->x, conv->across, conv->n_across,
                                  place - target->row_begin));
    return 0;
}

/* `times` spikes, or a current, of neuron idx, without dilation, where no neuron is an inner one. */
static inline void scatter_place(target_t *target, uint32_t idx, int32_t times)
{
    if (idx - target->begin >= target->conv->source.n_channels) {
        (void)move(target, idx);
    }
    scatter(target, idx - target->begin, times);
}

/* The same of any neuron. */
static void scatter_from(target_t *target, uint32_t idx, int32_t times)
{
    const dassdp_run_t *run = &target->inner.run;
    if (idx - run->begin < run->n
        || (idx - target->begin >= target->conv->source.n_channels && move(target, idx) != 0u)) {
        scatter_inner(target, idx - run->begin, times);
    } else {
        scatter(target, idx - target->begin, times);
    }
}

/* One spike of each listed neuron, where some are inner ones. */
static void scatter_list(target_t *target, const dassdp_row_t *next, const dassdp_row_t *end)
{
    const dassdp_run_t *run = &target->inner.run;
    const uint32_t n_channels = run->n_channels;
    while (next != end) {
        const uint32_t idx = *next;
        if (idx - run->begin < run->n
            || (idx - target->begin >= n_channels && move(target, idx) != 0u)) {
            next = target->conv->scatter_run(run, next, end);
        } else {
            scatter(target, idx - target->begin, 1);
            next++;
        }
    }
}

/* Every pair of taps that reach outputs is a patch of its own. */
static void scatter_dilated(target_t *target, uint32_t idx, int32_t times)
{
    const dassdp_conv_t *conv = target->conv;
    const dassdp_place_t at = dassdp_place(&conv->source, idx);
    const stand_t at_y = stand(&conv->y, at.y), at_x = stand(&conv->x, at.x);
    for (uint32_t d = 0; d < conv->n_down; d++) {
        if (conv->down[d].phase != at_y.phase) {
            continue;
        }
        aim_down(target, reach(&conv->down[d], at_y.quotient, conv->y.n_out));
        for (uint32_t a = 0; a < conv->n_across; a++) {
            if (conv->across[a].phase == at_x.phase) {
                aim_across(target, reach(&conv->across[a], at_x.quotient, conv->x.n_out));
                scatter(target, at.channel, times);
            }
        }
    }
}

/* The same, dilated or not, through a summed pool if there is one. */
static void scatter_through(target_t *target, const dassdp_pool_t *pool, uint32_t idx,
                            int32_t times)
{
    const uint32_t is_dilated = target->conv->is_dilated;
    if (pool == 0) {
        scatter_dilated(target, idx, times);
        return;
    }
    dassdp_place_t at = dassdp_place(&pool->source, idx);
    dassdp_span_t down = dassdp_windows(&pool->y, at.y);
    dassdp_span_t across = dassdp_windows(&pool->x, at.x);
    for (uint32_t y = down.begin; y < down.end; y++) {
        for (uint32_t x = across.begin; x < across.end; x++) {
            uint32_t pooled = dassdp_pooled(pool, y, x, at.channel);
            if (is_dilated != 0u) {
                scatter_dilated(target, pooled, times);
            } else {
                scatter_from(target, pooled, times);
            }
        }
    }
}

uint32_t dassdp_deliver_conv(const dassdp_model_t *model, void *state,
                             const dassdp_projection_t *projection, void *acc, uint32_t adds,
                             uint32_t t_step)
{
    const dassdp_pool_t *pool = projection->path->sum_pool;
    const dassdp_conv_t *conv = projection->path->conv;
    const uint32_t zero = conv->zero == 0 ? 0u : *conv->zero;
    const uint32_t n_bytes = sums_bytes(conv);
    const uint32_t is_direct = (uint32_t)(pool == 0) & (conv->is_dilated ^ 1u);
    dassdp_events_t events = dassdp_events(model, state, projection, t_step);
    const uint32_t is_once = is_direct & (uint32_t)(events.n_spikes == 0);
    const uint32_t has_runs = is_once & (uint32_t)(conv->scatter_run != 0);
    target_t target;
    begin(&target, projection, acc);
    prepare(acc, n_bytes, zero, adds);
    for (uint32_t n; (n = dassdp_events_next(&events)) != 0u;) {
        const dassdp_row_t *next = events.listed, *end = next + n;
        if (has_runs != 0u) {
            scatter_list(&target, next, end);
            continue;
        }
        for (; next != end && is_once != 0u; next++) {
            scatter_place(&target, *next, 1);
        }
        for (; next != end; next++) {
            int32_t times = (int32_t)dassdp_events_times(&events, *next);
            if (is_direct != 0u) {
                scatter_from(&target, *next, times);
            } else {
                scatter_through(&target, pool, *next, times);
            }
        }
    }
    prepare(acc, n_bytes, zero, 1);
    return 1;
}

void dassdp_deliver_currents(const dassdp_projection_t *projection, void *acc, const int8_t *x,
                             uint32_t adds)
{
    const dassdp_path_t *path = projection->path;
    const dassdp_conv_t *conv = path->conv;
    const uint32_t zero = conv->zero == 0 ? 0u : *conv->zero;
    const uint32_t n_bytes = sums_bytes(conv);
    const uint32_t is_direct = (uint32_t)(path->sum_pool == 0) & (conv->is_dilated ^ 1u);
    target_t target;
    begin(&target, projection, acc);
    prepare(acc, n_bytes, zero, adds);
    for (uint32_t j = 0; j < path->n_source; j++) {
        if (x[j] != 0 && is_direct != 0u) {
            scatter_from(&target, j, x[j]);
        } else if (x[j] != 0) {
            scatter_through(&target, path->sum_pool, j, x[j]);
        }
    }
    prepare(acc, n_bytes, zero, 1);
}
