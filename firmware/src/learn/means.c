/* Class means of the directions of hidden spike counts, beside the readout: the class is the largest
 * softmax(logits) + softmax(-12 d), d the squared distance from the nearer of two means, one of the
 * device and one that was the factory's; a class that was taught has a mean alone, and is the class where
 * that is nearer than all others by its limit (docs/arithmetic.md, 23). */
#include "classes_of.h"
#include "dassdp_quantities.h"
#include "softmax.h"
#include "state.h"

enum { OF_DEVICE, OF_FACTORY };
enum { CLASS, IS_SILENT }; /* of found_off */

static uint32_t *found_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->classes->found_off);
}

static uint8_t *direction_of(const dassdp_model_t *model, void *state)
{
    return dassdp_at(state, (uint32_t)model->classes->direction_off);
}

/* Offset of a mean, in rows. */
static uint32_t row_of(const dassdp_model_t *model, uint32_t domain, uint32_t class_idx)
{
    return domain * model->n_classes + class_idx;
}

static uint8_t *mean_of(const dassdp_model_t *model, void *state, uint32_t row)
{
    return (uint8_t *)dassdp_at(state, (uint32_t)model->classes->means_off)
           + row * model->classes->n_hidden;
}

static uint8_t *seen_of(const dassdp_model_t *model, void *state, uint32_t row)
{
    return (uint8_t *)dassdp_at(state, (uint32_t)model->classes->seen_off) + row;
}

/* floor(sqrt(x)), x < 2^30 */
static uint32_t root_of(uint32_t x)
{
    uint32_t root = 0;
    for (uint32_t bit = 1u << 14; bit != 0u; bit >>= 1) {
        uint32_t tried = root | bit;
        root = tried * tried <= x ? tried : root;
    }
    return root;
}

/* round(255 x / |x|) of the counts recorded in the current slot; whether there are any. The sum of
 * squares is below 2^30, as the plan has proven. */
static int measure(const dassdp_model_t *model, void *state)
{
    dassdp_record_t record =
        dassdp_record(model, state, &model->populations[model->classes->hidden],
                      dassdp_learning(model, state)->batch_idx);
    uint8_t *direction = direction_of(model, state);
    uint32_t sum = 0, lshift = 0;
    for (uint32_t i = 0; i < model->classes->n_hidden; i++) {
        uint32_t n = dassdp_plane_value(record.count, record.bits, i);
        sum += n * n;
    }
    found_of(model, state)[IS_SILENT] = (uint32_t)(sum == 0u);
    if (sum == 0u) {
        return 0;
    }
    for (; sum >> 28 == 0u; sum <<= 2) {
        lshift++;
    }
    const uint32_t root = root_of(sum);
    for (uint32_t i = 0; i < model->classes->n_hidden; i++) {
        uint32_t n = dassdp_plane_value(record.count, record.bits, i) << lshift;
        direction[i] = (uint8_t)(n == 0u ? 0u : (DASSDP_MEAN_ONE * n + (root >> 1)) / root);
    }
    return 1;
}

/* Squared distance of the direction from a mean; UINT32_MAX where there is none. */
static uint32_t distance_of(const dassdp_model_t *model, void *state, uint32_t row)
{
    const uint8_t *direction = direction_of(model, state), *mean = mean_of(model, state, row);
    uint32_t distance = 0;
    if (*seen_of(model, state, row) == 0u) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < model->classes->n_hidden; i++) {
        int32_t difference = (int32_t)direction[i] - mean[i];
        distance += (uint32_t)(difference * difference);
    }
    return distance;
}

/* Of every class from the nearer of its two means; returns the least of those that weights know. */
static uint32_t measure_distances(const dassdp_model_t *model, void *state)
{
    uint32_t *distances = dassdp_at(state, (uint32_t)model->classes->distance_off);
    uint32_t least = UINT32_MAX;
    for (uint32_t c = 0; c < model->n_classes; c++) {
        uint32_t own = distance_of(model, state, row_of(model, OF_DEVICE, c));
        uint32_t factory = distance_of(model, state, row_of(model, OF_FACTORY, c));
        distances[c] = own < factory ? own : factory;
        least = c < model->classes->n_known && distances[c] < least ? distances[c] : least;
    }
    return least;
}

/* 32768 exp(-12 (d - least)) */
static uint32_t nearness_q15(uint32_t distance, uint32_t least)
{
    uint32_t further = distance - least;
    return further >= DASSDP_MEAN_LIMIT ? 0u
                                        : dassdp_exp2_q15((further * DASSDP_MEAN_SCALE) >> 16);
}

/* The largest of both softmaxes together. */
static uint32_t best_of_both(const dassdp_model_t *model, const void *state, int32_t max,
                             uint32_t least)
{
    const int32_t *logits =
        dassdp_at_const(state, (uint32_t)model->populations[model->readout].sum_off);
    const uint32_t *distances = dassdp_at_const(state, (uint32_t)model->classes->distance_off);
    uint32_t total_p = 0, total_q = 0, best = 0, highest = 0;
    for (uint32_t c = 0; c < model->classes->n_known; c++) {
        total_p += dassdp_exp2_q15(dassdp_softmax_z_q8(model, max, logits[c]));
        total_q += nearness_q15(distances[c], least);
    }
    for (uint32_t c = 0; c < model->classes->n_known; c++) {
        uint32_t p = dassdp_exp2_q15(dassdp_softmax_z_q8(model, max, logits[c]));
        uint32_t score = (p << 15) / total_p + (nearness_q15(distances[c], least) << 15) / total_q;
        if (score > highest) {
            highest = score;
            best = c;
        }
    }
    return best;
}

static int32_t *limit_of(const dassdp_model_t *model, void *state, uint32_t class_idx)
{
    return (int32_t *)dassdp_at(state, (uint32_t)model->classes->limits_off)
           + (class_idx - model->classes->n_known);
}

/* The class that was taught whose mean is nearer than all others by its limit; else `best`. */
static uint32_t taught_or(const dassdp_model_t *model, void *state, uint32_t least, uint32_t best)
{
    const uint32_t *distances = dassdp_at_const(state, (uint32_t)model->classes->distance_off);
    int64_t closest = least;
    for (uint32_t c = model->classes->n_known; c < model->n_classes; c++) {
        int64_t apart = (int64_t)distances[c] + *limit_of(model, state, c);
        if (distances[c] != UINT32_MAX && apart < closest &&
            model->classes->is_known(model, state, c)) {
            closest = apart;
            best = c;
        }
    }
    return best;
}

void dassdp_means_classify(const dassdp_model_t *model, void *state)
{
    const int32_t *logits =
        dassdp_at_const(state, (uint32_t)model->populations[model->readout].sum_off);
    uint32_t best = 0;
    for (uint32_t c = 1; c < model->n_classes; c++) {
        best = logits[c] > logits[best] ? c : best;
    }
    if (measure(model, state)) {
        uint32_t least = measure_distances(model, state);
        best = least == UINT32_MAX ? best : best_of_both(model, state, logits[best], least);
        best = taught_or(model, state, least, best);
    }
    found_of(model, state)[CLASS] = best;
}

/* A mean of its first samples, then a running one, whose rounding goes through all eighths in turn. */
static void follow(const dassdp_model_t *model, void *state, uint32_t row)
{
    static const uint8_t eighths[DASSDP_MEAN_SAMPLES] = {0, 4, 2, 6, 1, 5, 3, 7};
    const uint8_t *direction = direction_of(model, state);
    uint8_t *mean = mean_of(model, state, row), *seen = seen_of(model, state, row);
    uint32_t n = *seen, rounding = eighths[n & 7u];
    if (n < DASSDP_MEAN_SAMPLES) {
        n++;
        rounding = n >> 1;
        *seen = (uint8_t)n;
    } else {
        *seen = (uint8_t)(DASSDP_MEAN_SAMPLES + ((n + 1u) & 7u));
        n = DASSDP_MEAN_SAMPLES;
    }
    for (uint32_t i = 0; i < model->classes->n_hidden; i++) {
        mean[i] = (uint8_t)((mean[i] * (n - 1u) + direction[i] + rounding) / n);
    }
}

/* How much nearer than the nearest mean that of a class is to example j; INT32_MIN for further away. */
static int32_t nearer_by(const dassdp_classes_t *classes, const uint8_t *mean, uint32_t j)
{
    const uint8_t *example = classes->examples + j * classes->n_hidden;
    uint32_t distance = 0;
    for (uint32_t i = 0; i < classes->n_hidden; i++) {
        int32_t difference = (int32_t)example[i] - mean[i];
        distance += (uint32_t)(difference * difference);
    }
    int64_t nearer = (int64_t)classes->away[j] - distance;
    return nearer < INT32_MIN ? INT32_MIN : (int32_t)nearer;
}

/* A class that was taught reaches beyond half the way as far as a class spreads, and no further than to
 * where it would take more than its share of the examples. */
static void fit_limit(const dassdp_model_t *model, void *state, uint32_t class_idx)
{
    const dassdp_classes_t *classes = model->classes;
    const uint8_t *mean = mean_of(model, state, row_of(model, OF_DEVICE, class_idx));
    int32_t most[DASSDP_EXAMPLES_MAX / DASSDP_EXAMPLES_SHARE]; /* the nearest ones, descending */
    const uint32_t share = classes->n_examples / DASSDP_EXAMPLES_SHARE;
    const uint32_t n = share != 0u ? share : 1u;
    for (uint32_t i = 0; i < n; i++) {
        most[i] = INT32_MIN;
    }
    for (uint32_t j = 0; j < classes->n_examples; j++) {
        int32_t nearer = nearer_by(classes, mean, j);
        for (uint32_t i = 0; i < n; i++) {
            if (nearer > most[i]) {
                int32_t next = most[i];
                most[i] = nearer;
                nearer = next;
            }
        }
    }
    if (classes->n_examples != 0u) {
        const int32_t n_seen = *seen_of(model, state, row_of(model, OF_DEVICE, class_idx));
        const int32_t n_samples = n_seen < DASSDP_MEAN_SAMPLES ? n_seen : DASSDP_MEAN_SAMPLES;
        const int32_t least = -((classes->spread + classes->spread / n_samples) >> 1);
        *limit_of(model, state, class_idx) = most[n - 1u] > least ? most[n - 1u] : least;
    }
    dassdp_spend(dassdp_slices(model, state), classes->n_examples * classes->n_hidden,
                 DASSDP_GRAIN_EXAMPLE);
}

/* The device's mean of a class, and where a class that was taught ends. */
static void follow_device(const dassdp_model_t *model, void *state, uint32_t class_idx)
{
    follow(model, state, row_of(model, OF_DEVICE, class_idx));
    if (class_idx >= model->classes->n_known) {
        fit_limit(model, state, class_idx);
    }
}

void dassdp_means_learn(const dassdp_model_t *model, void *state, uint32_t label)
{
    if (found_of(model, state)[IS_SILENT] == 0u) {
        follow_device(model, state, label);
    }
}

void dassdp_means_learn_again(const dassdp_model_t *model, void *state, uint32_t label,
                              uint32_t is_of_ring)
{
    if (!measure(model, state)) {
        return;
    }
    if (is_of_ring != 0u) {
        follow_device(model, state, label);
    } else {
        follow(model, state, row_of(model, OF_FACTORY, label));
    }
}
