/* Latent replay. A stored sample is what enters the plastic part: of every population of the cut,
 * planes of counts, then of first-spike latencies; behind them the targets of a model of values. */
#include <string.h>

#include "dassdp_quantities.h"
#include "fixed.h"
#include "kernels.h"
#include "learn.h"
#include "network.h"
#include "state.h"

/* Of dassdp_slices_t, `phase`. */
enum { REMEMBER, TAKE, LOAD, RERUN, LEARN };

/* Classes that the ring keeps apart; of values there is one. */
static uint32_t n_kinds(const dassdp_model_t *model)
{
    return dassdp_values(model) != 0 ? 1u : model->n_classes;
}

static dassdp_replay_t *replay_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->replay->state_off);
}

static uint32_t *ring_slot(const dassdp_model_t *model, void *state, uint32_t slot)
{
    return (uint32_t *)dassdp_at(state, (uint32_t)model->replay->ring_off)
           + slot * model->replay->sample_words;
}

/* Spikes in the steps t + (k (T - t)) // n, k = 0 to n - 1, of a neuron with n of them. */
static void rebuild(uint32_t n_steps, uint32_t n_words, uint32_t i, uint32_t n_spikes,
                    uint32_t t_step, uint32_t *raster)
{
    const uint32_t quotient = (n_steps - t_step) / n_spikes;
    const uint32_t remainder = (n_steps - t_step) - quotient * n_spikes;
    const uint32_t stride = quotient * n_words, bit = 1u << (i & 31u);
    uint32_t *word = raster + t_step * n_words + (i >> 5);
    uint32_t rest = 0;
    for (uint32_t k = n_spikes; k != 0u; k--) {
        *word |= bit;
        word += stride;
        rest += remainder;
        if (rest >= n_spikes) {
            rest -= n_spikes;
            word += n_words;
        }
    }
}

/* The raster of a population of the cut, from the neuron that the lesson stands at; a grain is a neuron,
 * or a spike. Returns whether the slice had room for it. */
static int rebuild_all(const dassdp_model_t *model, void *state,
                       const dassdp_population_t *population, const dassdp_record_t *record)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    const uint32_t bits = record->bits, is_long = (uint32_t)(bits > DASSDP_BYTE_BITS);
    uint32_t *raster = dassdp_at(state, (uint32_t)population->raster_off);
    uint32_t n_room = dassdp_room(lesson, DASSDP_GRAIN_REBUILD), i = lesson->neuron, n_done = 0;
    uint32_t counts = 0, latencies = 0; /* of four neurons, the next one's in the lowest byte */
    if (i == 0u) {
        memset(raster, 0, model->n_steps * record->n_words * 4u);
    }
    for (; i < record->n && n_done < n_room; i++, n_done++) {
        if (is_long != 0u) {
            counts = dassdp_plane_value(record->count, bits, i);
            latencies = dassdp_plane_value(record->latency, bits, i);
        } else if ((i & 3u) == 0u || n_done == 0u) {
            counts = dassdp_planes_four(record->count, bits, i & ~3u) >> (8u * (i & 3u));
            latencies = dassdp_planes_four(record->latency, bits, i & ~3u) >> (8u * (i & 3u));
        }
        const uint32_t n_spikes = is_long != 0u ? counts : counts & 255u;
        if (n_spikes != 0u) {
            rebuild(model->n_steps, record->n_words, i, n_spikes,
                    is_long != 0u ? latencies : latencies & 255u, raster);
            n_done += n_spikes;
        }
        counts >>= 8;
        latencies >>= 8;
    }
    dassdp_spend(lesson, n_done, DASSDP_GRAIN_REBUILD);
    lesson->neuron = i < record->n ? (uint16_t)i : 0u;
    return i == record->n;
}

/* A stored sample becomes the records of the cut in the current slot, and its rasters, from the
 * population that the lesson stands at. Apart, so that what it keeps is not on the stack of a lesson. */
__attribute__((noinline)) static int load(const dassdp_model_t *model, void *state,
                                          const uint32_t *sample)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        if (population->is_cut != 0u) {
            dassdp_record_t record =
                dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
            uint32_t n_planes = record.n_words * record.bits;
            if (i == lesson->item) {
                memcpy(record.count, sample, n_planes * 4u);
                memcpy(record.latency, sample + n_planes, n_planes * 4u);
                if (!rebuild_all(model, state, population, &record)) {
                    return 0;
                }
            }
            sample += 2u * n_planes;
        }
        lesson->item = (uint16_t)(lesson->item + (uint32_t)(i == lesson->item));
    }
    if (dassdp_values(model) != 0) {
        dassdp_load_target(model, state, sample);
    }
    return 1;
}

/* The records of the cut in `slot` become a stored sample. */
static void store(const dassdp_model_t *model, void *state, uint32_t slot, uint32_t *sample)
{
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        if (population->is_cut != 0u) {
            dassdp_record_t record = dassdp_record(model, state, population, slot);
            uint32_t n_planes = record.n_words * record.bits;
            memcpy(sample, record.count, n_planes * 4u);
            memcpy(sample + n_planes, record.latency, n_planes * 4u);
            sample += 2u * n_planes;
        }
    }
    if (dassdp_values(model) != 0) {
        dassdp_store_target(model, state, sample);
    }
}

/* The next filled slot of the ring; returns whether there is one. */
static int take_from_ring(const dassdp_model_t *model, void *state)
{
    dassdp_replay_t *replay = replay_of(model, state);
    const uint32_t n_slots = (uint32_t)model->replay->ring_per_class * n_kinds(model);
    for (uint32_t i = 0; i < n_slots; i++) {
        uint32_t slot = replay->ring_idx;
        replay->ring_idx = (uint16_t)(slot + 1u < n_slots ? slot + 1u : 0u);
        if (slot / n_kinds(model) < dassdp_ring_seen(model, state)[slot % n_kinds(model)]) {
            dassdp_slices(model, state)->sample_idx = (uint16_t)slot;
            return 1;
        }
    }
    return 0;
}

/* The next sample of flash. */
static int take_from_flash(const dassdp_model_t *model, void *state)
{
    const dassdp_replay_rule_t *rule = model->replay;
    dassdp_replay_t *replay = replay_of(model, state);
    if (rule->n_samples == 0u) {
        return 0;
    }
    uint32_t idx = replay->flash_idx;
    replay->flash_idx = (uint16_t)(idx + 1u < rule->n_samples ? idx + 1u : 0u);
    dassdp_slices(model, state)->sample_idx = (uint16_t)idx;
    return 1;
}

static int take(const dassdp_model_t *model, void *state, uint32_t is_of_ring)
{
    dassdp_slices(model, state)->is_of_ring = (uint8_t)is_of_ring;
    return is_of_ring != 0u ? take_from_ring(model, state) : take_from_flash(model, state);
}

static const uint32_t *sample_of(const dassdp_model_t *model, void *state)
{
    const dassdp_slices_t *lesson = dassdp_slices(model, state);
    return lesson->is_of_ring != 0u
               ? ring_slot(model, state, lesson->sample_idx)
               : model->replay->samples + lesson->sample_idx * model->replay->sample_words;
}

static uint32_t label_of(const dassdp_model_t *model, const dassdp_slices_t *lesson)
{
    const uint32_t idx = lesson->sample_idx;
    return lesson->is_of_ring != 0u ? idx % n_kinds(model) : model->replay->labels[idx];
}

/* The sample taken, from where the lesson stands; returns whether the slice had room for it. */
static int learn_again(const dassdp_model_t *model, void *state)
{
    dassdp_replay_t *replay = replay_of(model, state);
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    dassdp_result_t result = {0}; /* is nobody's */
    if (lesson->phase == LOAD) {
        if (!load(model, state, sample_of(model, state))) {
            return 0;
        }
        lesson->phase = RERUN;
    }
    if (lesson->phase == RERUN) {
        if (!dassdp_rerun(model, state, 0)) {
            return 0;
        }
        const dassdp_classes_t *classes = dassdp_classes(model);
        if (classes != 0 && classes->learn_again != 0) {
            classes->learn_again(model, state, label_of(model, lesson), lesson->is_of_ring);
            dassdp_spend(lesson, classes->n_hidden, DASSDP_GRAIN_MEAN);
        }
        lesson->phase = LEARN;
    }
    if (!dassdp_learn_label(model, state, label_of(model, lesson), &result)) {
        return 0;
    }
    replay->n_replay_skipped += (uint32_t)(lesson->has_run == 0u);
    replay->n_replayed++;
    lesson->n_replayed++;
    lesson->phase = TAKE;
    return 1;
}

/* Offer a sample to the places of its class. */
static void remember(const dassdp_model_t *model, void *state, uint32_t slot, uint32_t label)
{
    const uint32_t n_places = model->replay->ring_per_class;
    uint16_t *seen = dassdp_ring_seen(model, state) + label;
    uint32_t n_seen = *seen;
    uint32_t place = n_seen % n_places;
    if (model->replay->is_reservoir != 0u && n_seen >= n_places) {
        place = dassdp_random(&dassdp_learning(model, state)->rng) % (n_seen + 1u);
    }
    if (place < n_places) {
        store(model, state, slot, ring_slot(model, state, place * n_kinds(model) + label));
    }
    n_seen++;
    if (model->replay->is_reservoir != 0u) {
        n_seen = n_seen < DASSDP_SEEN_MAX ? n_seen : DASSDP_SEEN_MAX;
    } else if (n_seen == DASSDP_SEEN_MAX / n_places * n_places) {
        n_seen -= n_places;
    }
    *seen = (uint16_t)n_seen;
}

int dassdp_replay_after(const dassdp_model_t *model, void *state)
{
    const dassdp_replay_rule_t *rule = model->replay;
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    if (lesson->phase == REMEMBER) {
        if (rule->ring_per_class != 0u) {
            remember(model, state, lesson->slot,
                     dassdp_values(model) != 0 ? 0u : (uint32_t)lesson->label);
        }
        if (lesson->result.is_held != 0u || dassdp_is_by_mean(model, lesson->label)) {
            return 1;
        }
        lesson->n_turns = (uint32_t)rule->n_ring + rule->n_flash
                          + (model->cusum == 0 ? 0u : model->cusum->take_due(model, state));
        lesson->phase = TAKE;
    }
    for (; lesson->n_turns != 0u; lesson->n_turns--) {
        uint32_t is_of_ring = (uint32_t)(lesson->n_turns > rule->n_flash);
        if (lesson->phase == TAKE) {
            if (!take(model, state, is_of_ring)) {
                continue;
            }
            lesson->item = 0;
            lesson->phase = LOAD;
        }
        if (!learn_again(model, state)) {
            return 0;
        }
    }
    return 1;
}

int dassdp_replay_idle(const dassdp_model_t *model, void *state)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    for (; lesson->n_turns != 0u; lesson->n_turns--) {
        if (lesson->phase == REMEMBER || lesson->phase == TAKE) {
            uint32_t ring_first = (replay_of(model, state)->n_replayed & 1u) ^ 1u;
            if ((model->cusum != 0 && model->cusum->is_open(model, state) == 0u) ||
                (!take(model, state, ring_first) && !take(model, state, ring_first ^ 1u))) {
                return 1;
            }
            lesson->item = 0;
            lesson->phase = LOAD;
        }
        if (!learn_again(model, state)) {
            return 0;
        }
        dassdp_chain(model, state, &(const dassdp_lesson_t){.kind = DASSDP_LESSON_IDLE});
    }
    return 1;
}

/* What a sample can leave behind: n > 0 spikes find room from the first one on, silence has no
 * latency, and behind the last neuron there is silence. */
static int is_sample(const dassdp_model_t *model, const uint32_t *sample)
{
    const uint32_t bits = model->field_bits;
    const uint32_t silent = (1u << bits) - 1u;
    for (uint32_t p = 0; p < model->n_populations; p++) {
        const dassdp_population_t *population = &model->populations[p];
        const uint32_t n_words = DASSDP_WORDS((uint32_t)population->n_neurons);
        if (population->is_cut == 0u) {
            continue;
        }
        for (uint32_t i = 0; i < 32u * n_words; i++) {
            uint32_t n_spikes = dassdp_plane_value(sample, bits, i);
            uint32_t latency = dassdp_plane_value(sample + n_words * bits, bits, i);
            int is_silent = n_spikes == 0u && latency == silent;
            int has_room = n_spikes != 0u && latency != silent && i < population->n_neurons &&
                           n_spikes + latency <= model->n_steps;
            if (!is_silent && !has_room) {
                return 0;
            }
        }
        sample += 2u * n_words * bits;
    }
    const uint32_t odd = dassdp_target_bytes(model) & 2u;
    return odd == 0u || sample[dassdp_target_bytes(model) >> 2] >> 16 == 0u;
}

static int fits_class(const dassdp_model_t *model, const void *state, uint32_t label)
{
    const dassdp_replay_rule_t *rule = model->replay;
    const uint32_t n_places = rule->ring_per_class;
    const uint16_t *seen = dassdp_at_const(state, (uint32_t)rule->seen_off);
    const uint32_t *slots = dassdp_at_const(state, (uint32_t)rule->ring_off);
    int fits = rule->is_reservoir != 0u || seen[label] < DASSDP_SEEN_MAX / n_places * n_places;
    for (uint32_t place = 0; fits && place < n_places && place < seen[label]; place++) {
        fits = is_sample(model, slots + (place * n_kinds(model) + label) * rule->sample_words);
    }
    return fits;
}

int dassdp_replay_check(const dassdp_model_t *model, const void *state)
{
    const dassdp_replay_rule_t *rule = model->replay;
    const uint32_t n_slots = (uint32_t)rule->ring_per_class * n_kinds(model);
    const dassdp_replay_t *replay = dassdp_at_const(state, (uint32_t)rule->state_off);
    int fits = (replay->flash_idx == 0u || replay->flash_idx < rule->n_samples) &&
               (replay->ring_idx == 0u || replay->ring_idx < n_slots);
    for (uint32_t label = 0; fits && n_slots != 0u && label < n_kinds(model); label++) {
        fits = fits_class(model, state, label);
    }
    return fits ? DASSDP_OK : DASSDP_E_VALUE;
}
