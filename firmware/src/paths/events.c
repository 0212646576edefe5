/* What arrives at a projection: delayed, or pooled by its maximum. */
#include "events.h"

#include <string.h>

#include "deliver.h"
#include "network.h"
#include "volume.h"

dassdp_events_t dassdp_events(const dassdp_model_t *model, void *state,
                              const dassdp_projection_t *projection, uint32_t t_step)
{
    const dassdp_path_t *path = projection->path;
    dassdp_events_t events = {
        .bits = path->delayed != 0 ? path->delayed(model, state, projection, t_step)
                                   : dassdp_spikes_into(model, state, projection, t_step),
        .n_spikes = path->multi_off < 0 ? 0 : dassdp_at_const(state, (uint32_t)path->multi_off),
        .n = path->n_pooled,
        .listed = dassdp_at(state, path->events_off),
    };
    if (path->pool_max != 0 && events.bits != 0) {
        path->pool_max(path, state, events.bits, events.n_spikes);
        events.bits = dassdp_at_const(state, path->pooled_off);
        events.n_spikes = events.n_spikes == 0 ? 0 : dassdp_at_const(state, path->numbers_off);
    }
    events.cursor.spk_bits = events.bits;
    events.cursor.n_words = events.bits == 0 ? 0u : DASSDP_WORDS(events.n);
    events.cursor.row_bytes = 1;
    return events;
}

uint32_t dassdp_events_next(dassdp_events_t *events)
{
    uint32_t n = dassdp_k_rows(&events->cursor, events->listed);
    while (n != 0u && events->listed[n - 1u] >= events->n) {
        n--;
    }
    return n;
}

/* Row of the step t_step - lag, NULL before the first one. */
static const uint32_t *row_of(const dassdp_model_t *model, const void *state,
                              const dassdp_projection_t *projection, uint32_t t_step,
                              uint32_t lag)
{
    const dassdp_delay_t *delay = projection->path->delay;
    if (lag > t_step) {
        return 0;
    }
    if (delay->n_history == 0u) {
        return dassdp_spikes_into(model, state, projection, t_step - lag);
    }
    uint32_t row = (t_step - lag) % delay->n_history;
    uint32_t row_bytes = DASSDP_WORDS(projection->path->n_source) * 4u;
    return dassdp_at_const(state, (uint32_t)delay->history_off + row * row_bytes);
}

const uint32_t *dassdp_delayed_row(const dassdp_model_t *model, void *state,
                                   const dassdp_projection_t *projection, uint32_t t_step)
{
    return row_of(model, state, projection, t_step, projection->path->delay->lags[0]);
}

const uint32_t *dassdp_delayed_each(const dassdp_model_t *model, void *state,
                                    const dassdp_projection_t *projection, uint32_t t_step)
{
    const dassdp_delay_t *delay = projection->path->delay;
    const uint32_t n_words = DASSDP_WORDS(projection->path->n_source);
    const uint32_t *mask = delay->masks;
    uint32_t *words = dassdp_at(state, delay->words_off);
    memset(words, 0, n_words * 4u);
    for (uint32_t k = 0; k < delay->n_lags; k++, mask += n_words) {
        const uint32_t *row = row_of(model, state, projection, t_step, delay->lags[k]);
        for (uint32_t w = 0; row != 0 && w < n_words; w++) {
            words[w] |= row[w] & mask[w];
        }
    }
    return words;
}

static void pool_max(const dassdp_path_t *path, void *state, const uint32_t *spk_bits,
                     const uint8_t *n_spikes, uint8_t *numbers)
{
    const dassdp_pool_t *pool = path->max_pool;
    uint32_t *words = dassdp_at(state, path->pooled_off);
    dassdp_events_t events = {.n = path->n_source,
                              .cursor = {spk_bits, DASSDP_WORDS(path->n_source), 0, 1},
                              .listed = dassdp_at(state, path->events_off)};
    memset(words, 0, DASSDP_WORDS(path->n_pooled) * 4u);
    for (uint32_t n; (n = dassdp_events_next(&events)) != 0u;) {
        for (uint32_t a = 0; a < n; a++) {
            dassdp_place_t at = dassdp_place(&pool->source, events.listed[a]);
            dassdp_span_t down = dassdp_windows(&pool->y, at.y);
            dassdp_span_t across = dassdp_windows(&pool->x, at.x);
            for (uint32_t y = down.begin; y < down.end; y++) {
                for (uint32_t x = across.begin; x < across.end; x++) {
                    uint32_t idx = dassdp_pooled(pool, y, x, at.channel);
                    words[idx >> 5] |= 1u << (idx & 31u);
                    if (numbers != 0 && numbers[idx] < n_spikes[events.listed[a]]) {
                        numbers[idx] = n_spikes[events.listed[a]];
                    }
                }
            }
        }
    }
}

void dassdp_pool_max_bits(const dassdp_path_t *path, void *state, const uint32_t *spk_bits,
                          const uint8_t *n_spikes)
{
    (void)n_spikes;
    pool_max(path, state, spk_bits, 0, 0);
}

void dassdp_pool_max_numbers(const dassdp_path_t *path, void *state, const uint32_t *spk_bits,
                             const uint8_t *n_spikes)
{
    uint8_t *numbers = dassdp_at(state, path->numbers_off);
    memset(numbers, 0, path->n_pooled);
    pool_max(path, state, spk_bits, n_spikes, numbers);
}
