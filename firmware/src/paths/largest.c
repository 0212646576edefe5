/* Convolutions of which the largest sum of each window is one of a population's. */
#include "deliver.h"

#include <string.h>

#include "fixed.h"

/* The sums of a convolution, behind those of its population in the scratch. */
static void *whole_of(const dassdp_projection_t *projection, void *acc)
{
    return (uint8_t *)acc + projection->path->largest->from_sums;
}

/* Places before the volume wrap around and stand behind it. */
static uint32_t tap_at(const dassdp_window_t *axis, uint32_t window, uint32_t tap)
{
    return window * axis->stride + tap * axis->dilation - axis->padding;
}

/* Of one channel in the window (y, x). */
static int32_t largest(const dassdp_largest_t *pool, const void *whole, uint32_t is_wide,
                       uint32_t y, uint32_t x, uint32_t channel)
{
    int32_t most = INT32_MIN;
    for (uint32_t down = 0; down < pool->y.kernel; down++) {
        uint32_t row = tap_at(&pool->y, y, down);
        for (uint32_t across = 0; across < pool->x.kernel; across++) {
            uint32_t column = tap_at(&pool->x, x, across);
            if (row < pool->y.n_in && column < pool->x.n_in) {
                uint32_t idx = (row * pool->x.n_in + column) * pool->result_channels + channel;
                int32_t sum = is_wide != 0u ? ((const int32_t *)whole)[idx]
                                            : ((const int16_t *)whole)[idx];
                most = sum > most ? sum : most;
            }
        }
    }
    return most;
}

static void add_largest(const dassdp_projection_t *projection, void *acc, uint32_t adds)
{
    const dassdp_largest_t *pool = projection->path->largest;
    const uint32_t is_wide = (uint32_t)(projection->path->conv->acc_shift == 2u);
    const void *whole = whole_of(projection, acc);
    uint32_t idx = 0;
    if (adds == 0u) {
        memset(acc, 0, pool->n_columns << projection->path->conv->acc_shift);
    }
    for (uint32_t y = 0; y < pool->y.n_out; y++) {
        for (uint32_t x = 0; x < pool->x.n_out; x++) {
            for (uint32_t channel = 0; channel < pool->n_channels; channel++, idx++) {
                int32_t most = largest(pool, whole, is_wide, y, x, channel);
                if (is_wide != 0u) {
                    ((int32_t *)acc)[idx] += most;
                } else {
                    ((int16_t *)acc)[idx] = dassdp_narrow_s16(((int16_t *)acc)[idx] + most);
                }
            }
        }
    }
}

uint32_t dassdp_deliver_largest(const dassdp_model_t *model, void *state,
                                const dassdp_projection_t *projection, void *acc, uint32_t adds,
                                uint32_t t_step)
{
    dassdp_deliver_conv(model, state, projection, whole_of(projection, acc), 0, t_step);
    add_largest(projection, acc, adds);
    return 1;
}

void dassdp_deliver_largest_currents(const dassdp_projection_t *projection, void *acc,
                                     const int8_t *x, uint32_t adds)
{
    dassdp_deliver_currents(projection, whole_of(projection, acc), x, 0);
    add_largest(projection, acc, adds);
}
