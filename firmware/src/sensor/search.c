/* A profile found without labels: of channels renormalized to the factory's mean and standard
 * deviation, and the best signed permutations of a triad's axes, refined, the one with the least
 * median D. Rows hold D and the nearest class under the candidate that was tried last. */
#include "drift.h"

#include "dassdp_quantities.h"
#include "fixed.h"
#include "orientation.h"
#include "sensor.h"

enum { N_PERMUTATIONS = 48, LEAST_GAIN_Q12 = DASSDP_ONE_Q12 / 4 };

typedef struct {
    const dassdp_drift_t *drift;
    int16_t *rows;
    uint32_t n_rows, length;
    int32_t *gain_q12, *offset_q3; /* where sums were */
    int16_t *features;
} search_t;

/* The best so far, without numbers where kind is of channels: these stand where sums were. */
typedef struct {
    uint16_t median_q8;
    uint16_t n_classes; /* seen */
    int kind;
    dassdp_turn_t turn;
} best_t;

__attribute__((weak)) void dassdp_on_search(void) {}

static uint16_t try_change(const search_t *search, const dassdp_change_t *change)
{
    dassdp_on_search();
    for (uint32_t i = 0; i < search->n_rows; i++) {
        uint16_t *row = (uint16_t *)(void *)(search->rows + i * search->length);
        dassdp_features(search->drift, (const int16_t *)row, change, search->features);
        row[0] = dassdp_distance(search->drift, search->features, row + 1);
    }
    return dassdp_median((const uint16_t *)(const void *)search->rows, search->n_rows,
                         search->length);
}

static uint32_t n_nearest(const search_t *search, uint32_t c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < search->n_rows; i++) {
        n += (uint16_t)search->rows[i * search->length + 1u] == c ? 1u : 0u;
    }
    return n;
}

static uint16_t n_seen(const search_t *search)
{
    uint16_t n = 0;
    for (uint32_t c = 0; c < search->drift->n_classes; c++) {
        n = (uint16_t)(n + (n_nearest(search, c) >= DASSDP_DRIFT_MEMBERS ? 1u : 0u));
    }
    return n;
}

static void compare(const search_t *search, uint16_t median_q8, const dassdp_turn_t *turn,
                    best_t *best)
{
    if (best->kind != 0 && median_q8 >= best->median_q8) {
        return;
    }
    best->median_q8 = median_q8;
    best->n_classes = n_seen(search);
    best->kind = turn != 0 ? DASSDP_PROFILE_ORIENTATION : DASSDP_PROFILE_CHANNELS;
    if (turn != 0) {
        best->turn = *turn;
    }
}

static const int16_t *mean_of(const search_t *search, uint32_t i)
{
    return search->rows + i * search->length + DASSDP_ROW_MEAN;
}

/* Mean of a channel over all rows, Q3. */
static int32_t level_of(const search_t *search, uint32_t c)
{
    int32_t total = 0;
    for (uint32_t i = 0; i < search->n_rows; i++) {
        total += mean_of(search, i)[c];
    }
    return dassdp_div_round_s32(total, (int32_t)search->n_rows);
}

/* Standard deviation of all readings of a channel, Q3; |mean - level| is below 2^16. */
static int32_t spread_of(const search_t *search, uint32_t c, int32_t level_q3)
{
    uint32_t variance = 0;
    for (uint32_t i = 0; i < search->n_rows; i++) {
        const int16_t *mean_q3 = mean_of(search, i) + c;
        int32_t std_q3 = mean_q3[search->drift->n_channels];
        uint32_t apart = (uint32_t)(*mean_q3 - level_q3);
        variance += (uint32_t)(std_q3 * std_q3) / search->n_rows + apart * apart / search->n_rows;
    }
    return (int32_t)dassdp_isqrt_u32(variance);
}

/* A mean of codes in counts. */
static int32_t counts_of(const dassdp_drift_t *drift, uint32_t c, int32_t level_q3)
{
    int32_t up = drift->shift[c] - 3;
    return drift->centre[c] + (up >= 0 ? level_q3 * (1 << up)
                                       : dassdp_round_s32(level_q3, (uint32_t)-up));
}

static int is_s16(int32_t x)
{
    return x > -32768 && x < 32768;
}

/* Gain and offset of a channel to where sums were, and in counts; returns whether these fit. */
static int renormalize(const search_t *search, uint32_t c, int32_t *offset)
{
    const dassdp_drift_t *drift = search->drift;
    int32_t level_q3 = level_of(search, c), spread_q3 = spread_of(search, c, level_q3);
    int32_t gain_q12 = drift->spread_q3[c] * DASSDP_ONE_Q12 / (spread_q3 == 0 ? 1 : spread_q3);
    gain_q12 = dassdp_clip_s32(gain_q12, LEAST_GAIN_Q12, DASSDP_MOST_GAIN_Q12);
    search->gain_q12[c] = gain_q12;
    search->offset_q3[c] = drift->level_q3[c] - dassdp_round_s32(level_q3 * gain_q12, 12);
    int32_t now = counts_of(drift, c, level_q3);
    if (!is_s16(now)) {
        return 0;
    }
    *offset = counts_of(drift, c, drift->level_q3[c]) - dassdp_round_s32(now * gain_q12, 12);
    return is_s16(*offset);
}

static void try_channels(const search_t *search, best_t *best)
{
    dassdp_change_t change = {0, search->gain_q12, search->offset_q3};
    for (uint32_t c = 0; c < search->drift->n_channels; c++) {
        int32_t offset;
        if (!renormalize(search, c, &offset)) {
            return;
        }
    }
    compare(search, try_change(search, &change), 0, best);
}

static int is_dead(const search_t *search, uint32_t c)
{
    int32_t spread_q3 = spread_of(search, c, level_of(search, c));
    return spread_q3 * DASSDP_DRIFT_STILL < search->drift->spread_q3[c];
}

static int can_turn(const search_t *search)
{
    for (uint32_t t = 0; t < search->drift->n_triads; t++) {
        const dassdp_triad_t *triad = &search->drift->triads[t];
        if (is_dead(search, triad->x) || is_dead(search, triad->y) || is_dead(search, triad->z)) {
            return 0;
        }
    }
    return search->drift->n_triads != 0u;
}

/* Permutations in their natural order, each with all signs, + before -. */
static void permute(uint32_t idx, dassdp_turn_t *turn)
{
    static const uint8_t AT[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const int8_t PARITY[6] = {1, -1, -1, 1, 1, -1};
    const uint8_t *at = AT[idx >> 3];
    int32_t det = PARITY[idx >> 3];
    for (uint32_t i = 0; i < 3u; i++) {
        int32_t sign = (idx >> (2u - i) & 1u) != 0u ? -1 : 1;
        det *= sign;
        for (uint32_t j = 0; j < 3u; j++) {
            turn->q_q14[3u * i + j] = at[i] == j ? (int16_t)(sign * DASSDP_ONE_Q14) : (int16_t)0;
        }
    }
    turn->det = (int16_t)det;
}

static uint16_t try_turn(const search_t *search, const dassdp_turn_t *turn)
{
    dassdp_change_t change = {turn, 0, 0};
    return try_change(search, &change);
}

/* Permutations with the least medians, the first of equal ones first. */
static void find_starts(const search_t *search, uint8_t *starts)
{
    uint16_t medians[DASSDP_DRIFT_STARTS];
    uint32_t n = 0;
    for (uint32_t idx = 0; idx < N_PERMUTATIONS; idx++) {
        dassdp_turn_t turn;
        permute(idx, &turn);
        uint16_t median_q8 = try_turn(search, &turn);
        uint32_t i = n < DASSDP_DRIFT_STARTS ? n++ : (uint32_t)DASSDP_DRIFT_STARTS;
        for (; i > 0u && median_q8 < medians[i - 1u]; i--) {
            if (i < DASSDP_DRIFT_STARTS) {
                medians[i] = medians[i - 1u];
                starts[i] = starts[i - 1u];
            }
        }
        if (i < DASSDP_DRIFT_STARTS) {
            medians[i] = median_q8;
            starts[i] = (uint8_t)idx;
        }
    }
}

/* Adds then_c now_c^T of the polar triad's means, halves of codes, and the ridge. */
static void correlate_class(const search_t *search, uint32_t c, int32_t *h)
{
    const dassdp_drift_t *drift = search->drift;
    const uint8_t polar[3] = {drift->triads[0].x, drift->triads[0].y, drift->triads[0].z};
    int32_t n = (int32_t)n_nearest(search, c), now[3] = {0, 0, 0};
    for (uint32_t i = 0; i < search->n_rows; i++) {
        for (uint32_t k = 0; k < 3u && (uint16_t)mean_of(search, i)[-1] == c; k++) {
            now[k] += mean_of(search, i)[polar[k]];
        }
    }
    for (uint32_t i = 0; n != 0 && i < 9u; i++) {
        int32_t then = dassdp_round_s32(drift->class_features[c * 2u * drift->n_channels + polar[i / 3u]], 4);
        h[i] += then * dassdp_div_round_s32(now[i % 3u], 16 * n) + (i % 4u == 0u ? drift->ridge : 0);
    }
}

/* The orientation of what every row is nearest to, with the determinant of the one before. */
static void refine(const search_t *search, dassdp_turn_t *turn)
{
    int32_t h[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
    for (uint32_t c = 0; c < search->drift->n_classes; c++) {
        correlate_class(search, c, h);
    }
    dassdp_horn_of(h, turn->det, turn);
}

static void try_turns(const search_t *search, best_t *best)
{
    uint8_t starts[DASSDP_DRIFT_STARTS];
    find_starts(search, starts);
    for (uint32_t i = 0; i < DASSDP_DRIFT_STARTS; i++) {
        dassdp_turn_t turn;
        permute(starts[i], &turn);
        compare(search, try_turn(search, &turn), &turn, best);
        for (uint32_t k = 0; k < DASSDP_DRIFT_ROUNDS; k++) {
            refine(search, &turn);
            compare(search, try_turn(search, &turn), &turn, best);
        }
    }
}

static void put_profile(const search_t *search, const best_t *best, int16_t *profile)
{
    uint32_t n = search->drift->n_channels;
    int16_t *gain_q12 = profile + DASSDP_PROFILE_CHANNEL, *offset = gain_q12 + n;
    int turns = best->kind == DASSDP_PROFILE_ORIENTATION;
    dassdp_turn_t unturned;
    permute(0, &unturned);
    dassdp_put_turn(turns ? &best->turn : &unturned, profile);
    for (uint32_t c = 0; c < n; c++) {
        int32_t moved = 0;
        if (!turns) {
            (void)renormalize(search, c, &moved);
        }
        gain_q12[c] = turns ? (int16_t)DASSDP_ONE_Q12 : (int16_t)search->gain_q12[c];
        offset[c] = (int16_t)moved;
    }
}

int dassdp_search_profile(const dassdp_drift_t *drift, int32_t *sums, int16_t *rows,
                          uint32_t n_rows, int16_t *profile)
{
    search_t search = {drift, rows, n_rows, dassdp_row_length(drift),
                       sums, sums + drift->n_channels, dassdp_features_at(drift, sums)};
    best_t best = {.kind = 0};
    if (n_rows == 0u) {
        return DASSDP_SEARCH_NONE;
    }
    uint32_t now_q8 = try_change(&search, 0);
    if (now_q8 <= DASSDP_DRIFT_THRESHOLD_Q8) {
        return DASSDP_SEARCH_NEEDLESS;
    }
    try_channels(&search, &best);
    if (can_turn(&search)) {
        try_turns(&search, &best);
    }
    if (best.kind == 0 || best.median_q8 >= DASSDP_DRIFT_THRESHOLD_Q8
        || DASSDP_DRIFT_SHARE_DEN * best.median_q8 >= DASSDP_DRIFT_SHARE_NUM * now_q8
        || best.n_classes < DASSDP_DRIFT_CLASSES) {
        return DASSDP_SEARCH_NONE;
    }
    put_profile(&search, &best, profile);
    return best.kind;
}
