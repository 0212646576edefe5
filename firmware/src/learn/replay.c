/* Latent replay. A stored sample is what enters the plastic part: of every population of the cut,
 * planes of counts, then of first-spike latencies. */
#include <string.h>

#include "fixed.h"
#include "kernels.h"
#include "learn.h"
#include "network.h"
#include "state.h"

static dassdp_replay_t *replay_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->replay->state_off);
}

static uint32_t *ring_slot(const dassdp_model_t *model, void *state, uint32_t slot)
{
    return (uint32_t *)dassdp_at(state, (uint32_t)model->replay->ring_off)
           + slot * model->replay->sample_words;
}

static uint16_t *seen_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->replay->seen_off);
}

/* Spikes in the steps t + (k (T - t)) // n, k = 0 to n - 1, of every neuron with n spikes. */
static void rebuild(const dassdp_model_t *model, void *state,
                    const dassdp_population_t *population, const dassdp_record_t *record)
{
    uint32_t *raster = dassdp_at(state, (uint32_t)population->raster_off);
    memset(raster, 0, model->n_steps * record->n_words * 4u);
    for (uint32_t i = 0; i < record->n; i++) {
        uint32_t n_spikes = dassdp_plane_value(record->count, record->bits, i);
        if (n_spikes == 0u) {
            continue;
        }
        uint32_t t_step = dassdp_plane_value(record->latency, record->bits, i);
        uint32_t quotient = (model->n_steps - t_step) / n_spikes;
        uint32_t remainder = (model->n_steps - t_step) % n_spikes;
        uint32_t *word = raster + t_step * record->n_words + (i >> 5);
        uint32_t rest = 0;
        for (uint32_t k = 0; k < n_spikes; k++) {
            *word |= 1u << (i & 31u);
            rest += remainder;
            uint32_t carry = (uint32_t)(rest >= n_spikes);
            rest -= carry * n_spikes;
            word += (quotient + carry) * record->n_words;
        }
    }
}

/* A stored sample becomes the records of the cut in the current slot, and its rasters. */
static void load(const dassdp_model_t *model, void *state, const uint32_t *sample)
{
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        if (population->is_cut != 0u) {
            dassdp_record_t record =
                dassdp_record(model, state, population, dassdp_learning(model, state)->batch_idx);
            uint32_t n_planes = record.n_words * record.bits;
            memcpy(record.count, sample, n_planes * 4u);
            memcpy(record.latency, sample + n_planes, n_planes * 4u);
            rebuild(model, state, population, &record);
            sample += 2u * n_planes;
        }
    }
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
}

static void learn_again(const dassdp_model_t *model, void *state, const uint32_t *sample,
                        uint32_t label)
{
    dassdp_replay_t *replay = replay_of(model, state);
    dassdp_result_t result = {0};
    load(model, state, sample);
    (void)dassdp_rerun(model, state, 0);
    replay->n_replay_skipped +=
        (uint32_t)(dassdp_learn_label(model, state, (int32_t)label, &result) == 0);
    replay->n_replayed++;
}

/* The next filled slot of the ring; 0 if all are empty. */
static uint32_t replay_ring(const dassdp_model_t *model, void *state)
{
    dassdp_replay_t *replay = replay_of(model, state);
    const uint32_t n_slots = (uint32_t)model->replay->ring_per_class * model->n_classes;
    for (uint32_t i = 0; i < n_slots; i++) {
        uint32_t slot = replay->ring_idx;
        uint32_t label = slot % model->n_classes;
        replay->ring_idx = (uint16_t)(slot + 1u < n_slots ? slot + 1u : 0u);
        if (slot / model->n_classes < seen_of(model, state)[label]) {
            learn_again(model, state, ring_slot(model, state, slot), label);
            return 1;
        }
    }
    return 0;
}

/* The next sample of flash; 0 if there is none. */
static uint32_t replay_flash(const dassdp_model_t *model, void *state)
{
    const dassdp_replay_rule_t *rule = model->replay;
    dassdp_replay_t *replay = replay_of(model, state);
    if (rule->n_samples == 0u) {
        return 0;
    }
    uint32_t idx = replay->flash_idx;
    replay->flash_idx = (uint16_t)(idx + 1u < rule->n_samples ? idx + 1u : 0u);
    learn_again(model, state, rule->samples + idx * rule->sample_words, rule->labels[idx]);
    return 1;
}

/* Offer a sample to the places of its class. */
static void remember(const dassdp_model_t *model, void *state, uint32_t slot, uint32_t label)
{
    const uint32_t n_places = model->replay->ring_per_class;
    uint16_t *seen = seen_of(model, state) + label;
    uint32_t n_seen = *seen;
    uint32_t place = n_seen % n_places;
    if (model->replay->is_reservoir != 0u && n_seen >= n_places) {
        place = dassdp_random(&dassdp_learning(model, state)->rng) % (n_seen + 1u);
    }
    if (place < n_places) {
        store(model, state, slot, ring_slot(model, state, place * model->n_classes + label));
    }
    n_seen++;
    if (model->replay->is_reservoir != 0u) {
        n_seen = n_seen < DASSDP_SEEN_MAX ? n_seen : DASSDP_SEEN_MAX;
    } else if (n_seen == DASSDP_SEEN_MAX / n_places * n_places) {
        n_seen -= n_places;
    }
    *seen = (uint16_t)n_seen;
}

void dassdp_replay_after(const dassdp_model_t *model, void *state, uint32_t slot, uint32_t label,
                         dassdp_result_t *result)
{
    const dassdp_replay_rule_t *rule = model->replay;
    uint32_t n_replayed = 0;
    if (rule->ring_per_class != 0u) {
        remember(model, state, slot, label);
    }
    if (result->is_held != 0u) {
        return;
    }
    const uint32_t n_ring =
        rule->n_ring + (model->cusum == 0 ? 0u : model->cusum->take_due(model, state));
    for (uint32_t turn = 0; turn < n_ring + rule->n_flash; turn++) {
        n_replayed += turn < n_ring ? replay_ring(model, state) : replay_flash(model, state);
    }
    result->n_replayed = (uint16_t)n_replayed;
}

int dassdp_replay_idle(const dassdp_model_t *model, void *state)
{
    uint32_t flash_first = replay_of(model, state)->n_replayed & 1u;
    if (model->cusum != 0 && model->cusum->is_open(model, state) == 0u) {
        return 0;
    }
    if ((flash_first != 0u ? replay_flash(model, state) : replay_ring(model, state)) != 0u) {
        return 1;
    }
    return (int)(flash_first != 0u ? replay_ring(model, state) : replay_flash(model, state));
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
    return 1;
}

static int fits_class(const dassdp_model_t *model, const void *state, uint32_t label)
{
    const dassdp_replay_rule_t *rule = model->replay;
    const uint32_t n_places = rule->ring_per_class;
    const uint16_t *seen = dassdp_at_const(state, (uint32_t)rule->seen_off);
    const uint32_t *slots = dassdp_at_const(state, (uint32_t)rule->ring_off);
    int fits = rule->is_reservoir != 0u || seen[label] < DASSDP_SEEN_MAX / n_places * n_places;
    for (uint32_t place = 0; fits && place < n_places && place < seen[label]; place++) {
        fits = is_sample(model, slots + (place * model->n_classes + label) * rule->sample_words);
    }
    return fits;
}

int dassdp_replay_check(const dassdp_model_t *model, const void *state)
{
    const dassdp_replay_rule_t *rule = model->replay;
    const uint32_t n_slots = (uint32_t)rule->ring_per_class * model->n_classes;
    const dassdp_replay_t *replay = dassdp_at_const(state, (uint32_t)rule->state_off);
    int fits = (replay->flash_idx == 0u || replay->flash_idx < rule->n_samples) &&
               (replay->ring_idx == 0u || replay->ring_idx < n_slots);
    for (uint32_t label = 0; fits && n_slots != 0u && label < model->n_classes; label++) {
        fits = fits_class(model, state, label);
    }
    return fits ? DASSDP_OK : DASSDP_E_VALUE;
}
