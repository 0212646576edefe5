/* A channel's class means and standard deviations are brought to the factory's, in int32. */
#include "channels.h"

#include "dassdp_quantities.h"
#include "fixed.h"

enum { ONE_Q12 = 1 << 12, LEAST_GAIN_Q12 = ONE_Q12 / 4, MOST_GAIN_Q12 = 4 * ONE_Q12, RATIO_BITS = 18 };

/* One number of each class observed: one of the factory's, or a sum to divide. */
typedef struct {
    const dassdp_statistics_t *all;
    const int16_t *then;
    const int32_t *sums;
    uint32_t channel;
    int32_t n; /* classes observed */
} column_t;

/* Distances from their mean, shifted until the sum of their squares is below 2^30. */
typedef struct {
    column_t column;
    int32_t mean;
    uint32_t shift;
} apart_t;

static int32_t at(const column_t *column, uint32_t c)
{
    uint32_t i = c * column->all->n_channels + column->channel;
    return column->then != 0 ? column->then[i]
                             : dassdp_div_round_s32(column->sums[i], column->all->n_seen[c]);
}

static int32_t sum_of(const column_t *column)
{
    int32_t sum = 0;
    for (uint32_t c = 0; c < column->all->n_classes; c++) {
        sum += column->all->n_seen[c] != 0u ? at(column, c) : 0;
    }
    return sum;
}

static int32_t mean_of(const column_t *column)
{
    return dassdp_div_round_s32(sum_of(column), column->n);
}

static int is_above_0(const column_t *column)
{
    for (uint32_t c = 0; c < column->all->n_classes; c++) {
        if (column->all->n_seen[c] != 0u && at(column, c) <= 0) {
            return 0;
        }
    }
    return 1;
}

static apart_t apart_of(const column_t *column)
{
    apart_t apart = {*column, mean_of(column), 0};
    uint32_t most = dassdp_isqrt_u32((uint32_t)(INT32_MAX / (2 * column->n))), largest = 0;
    for (uint32_t c = 0; c < column->all->n_classes; c++) {
        if (column->all->n_seen[c] != 0u) {
            int32_t off = at(column, c) - apart.mean;
            uint32_t magnitude = (uint32_t)(off < 0 ? -off : off);
            largest = magnitude > largest ? magnitude : largest;
        }
    }
    while (largest >> apart.shift >= most) {
        apart.shift++;
    }
    return apart;
}

static int32_t product_of(const apart_t *a, const apart_t *b)
{
    int32_t sum = 0;
    for (uint32_t c = 0; c < a->column.all->n_classes; c++) {
        if (a->column.all->n_seen[c] != 0u) {
            sum += dassdp_round_s32(at(&a->column, c) - a->mean, a->shift)
                   * dassdp_round_s32(at(&b->column, c) - b->mean, b->shift);
        }
    }
    return sum;
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* num, den from 0. */
static int32_t ratio_q12(int32_t num, int32_t den)
{
    uint32_t shift = 0;
    while (larger(num, den) >> shift >= 1 << RATIO_BITS) {
        shift++;
    }
    int32_t ratio = dassdp_div_round_s32((num >> shift) << 12, larger(1, den >> shift));
    return dassdp_clip_s32(ratio, LEAST_GAIN_Q12, MOST_GAIN_Q12);
}

static int is_reversed(const column_t *then, const column_t *now, const column_t *spread)
{
    apart_t a = apart_of(then), b = apart_of(now);
    int32_t sum_aa = product_of(&a, &a);
    int32_t root_a = (int32_t)dassdp_isqrt_u32((uint32_t)sum_aa);
    int32_t root_b = (int32_t)dassdp_isqrt_u32((uint32_t)product_of(&b, &b));
    int32_t correlation_q8 =
        dassdp_div_round_s32(product_of(&a, &b), larger(1, (root_a * root_b) >> 8));
    int32_t apart_q8 = (int32_t)(dassdp_isqrt_u32((uint32_t)(sum_aa / then->n)) << (a.shift + 8u));
    int32_t share_q8 = dassdp_clip_s32(apart_q8 / mean_of(spread), 0, 1 << 8);
    return correlation_q8 * share_q8 < -((1 << 16) / DASSDP_SIGN_CLEARLY);
}

static void fit_channel(const dassdp_statistics_t *all, uint32_t channel, int32_t n, int with_gains,
                        int16_t *gain_q12, int16_t *offset)
{
    column_t then = {all, all->then_mean, 0, channel, n}, now = {all, 0, all->mean_sums, channel, n};
    column_t spread = {all, all->then_std, 0, channel, n};
    column_t spread_now = {all, 0, all->std_sums, channel, n};
    int moves = is_above_0(&spread) && is_above_0(&spread_now);
    int32_t gain = moves && with_gains != 0 ? ratio_q12(sum_of(&spread), sum_of(&spread_now))
                                            : ONE_Q12;
    if (moves && n >= DASSDP_SIGN_CLASSES && is_reversed(&then, &now, &spread)) {
        gain = -gain;
    }
    *gain_q12 = (int16_t)gain;
    *offset = (int16_t)dassdp_clip_s32(
        mean_of(&then) - dassdp_round_s32(gain * mean_of(&now), 12), INT16_MIN, INT16_MAX);
}

uint32_t dassdp_fit_channels(const dassdp_statistics_t *statistics, int with_gains,
                             int16_t *gain_q12, int16_t *offset)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < statistics->n_classes; c++) {
        n += statistics->n_seen[c] != 0u ? 1u : 0u;
    }
    if (n >= DASSDP_FIT_CLASSES) {
        for (uint32_t channel = 0; channel < statistics->n_channels; channel++) {
            fit_channel(statistics, channel, (int32_t)n, with_gains, &gain_q12[channel],
                        &offset[channel]);
        }
    }
    return n;
}
