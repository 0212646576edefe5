/* Kernels of rows, currents and updates of a core against the portable ones, linked beside them as
 * portable_<kernel>: each function returns the number of rounds that differ, in results or in what lies
 * around them. */
#include "drawn.h"

enum { PRE = 96, COLUMNS = 136, ROUNDS_OF_ROWS = 12, ENDS = 99, MANY = 700, LISTED = 30 };
enum { PACKED = 0 }; /* in place of a number of bits: 4, two weights to a byte */

static _Alignas(8) uint8_t image[PRE * COLUMNS * 2];
static uint32_t row_of[PRE];

/* What a call writes, canaries around it; an int32 or an int16 of each column. */
typedef struct {
    uint32_t before[CANARY];
    int32_t values[COLUMNS];
    uint32_t behind[CANARY];
} sums_t;

static sums_t made, wanted;

static void fill(int16_t *array, uint32_t n, int32_t low, int32_t high)
{
    for (uint32_t i = 0; i < n; i++) {
        array[i] = (int16_t)within(low, high);
    }
}

/* Both the same: n values, the rest canaries. */
static void draw_sums(uint32_t is_wide, uint32_t n, int32_t low, int32_t high)
{
    memset(&wanted, 0xA5, sizeof wanted);
    for (uint32_t i = 0; i < n; i++) {
        if (is_wide != 0u) {
            wanted.values[i] = within(low, high);
        } else {
            ((int16_t *)wanted.values)[i] = (int16_t)within(low, high);
        }
    }
    memcpy(&made, &wanted, sizeof made);
}

static uint32_t differs(void) { return memcmp(&made, &wanted, sizeof made) != 0; }

/* At least one row and eight columns; some words of weights hold both ends. */
static dassdp_projection_t draw_projection(uint32_t min_bits, uint32_t max_bits)
{
    const uint32_t drawn = min_bits + below(max_bits - min_bits + 1u);
    const uint32_t n_columns = 8u * (1u + below(COLUMNS / 8u));
    const uint32_t bits = drawn == PACKED ? 4u : drawn;
    dassdp_projection_t projection = {
        .weight_bits = (uint8_t)bits,
        .nibbles_log2 = drawn == PACKED ? 0u : bits == 16u ? 2u : 1u,
        .n_pre = (uint16_t)(1u + below(PRE)),
        .n_post = (uint16_t)(n_columns - below(8)),
        .factory = image,
    };
    projection.row_bytes = dassdp_columns_bytes(&projection, n_columns);
    const uint32_t n_words = PRE * projection.row_bytes / 4u;
    const uint32_t mask = projection.nibbles_log2 != 1u ? 0xFFFFFFFFu
                                                        : 0x01010101u * ((1u << bits) - 1u);
    const uint32_t ends = bits == 16u ? 0x7FFF8000u : mask & 0xFF00FF00u;
    for (uint32_t i = 0; i < n_words; i++) {
        ((uint32_t *)(void *)image)[i] = dassdp_random(&rng) & mask;
    }
    for (uint32_t i = 0; i < ENDS; i++) {
        ((uint32_t *)(void *)image)[below(n_words)] = ends;
    }
    return projection;
}

/* n of the PRE rows, often few, in any order, each as often as it comes; of `once` each once, ascending. */
static uint32_t draw_rows(const dassdp_projection_t *projection, uint32_t once)
{
    uint32_t n = 0;
    uint32_t most = 1u + below(below(2) ? PRE : 6u);
    for (uint32_t a = 0; a < most; a++) {
        if (once == 0u || a + 1u == most || below(2) != 0u) {
            row_of[n++] = dassdp_first_row(image)
                          + (once != 0u ? a : below(PRE)) * projection->row_bytes;
        }
    }
    return n;
}

static uint32_t accumulate(dassdp_accumulate_fn *kernel, dassdp_accumulate_fn *portable,
                           uint32_t min_bits, uint32_t max_bits)
{
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS_OF_ROWS; round++) {
        const dassdp_projection_t projection = draw_projection(min_bits, max_bits);
        const uint32_t is_wide = min_bits == 16u, n_rows = draw_rows(&projection, 0);
        const uint32_t adds = below(2);
        draw_sums(is_wide, DASSDP_COLUMNS(projection.n_post), is_wide != 0u ? INT32_MIN / 2 : -20000,
                  is_wide != 0u ? INT32_MAX / 2 - 1 : 20000);
        kernel(&projection, made.values, row_of, n_rows, adds, image);
        portable(&projection, wanted.values, row_of, n_rows, adds, image);
        n_differing += differs();
    }
    return n_differing;
}

static uint32_t analogue(dassdp_analogue_fn *kernel, dassdp_analogue_fn *portable, uint32_t is_wide)
{
    static _Alignas(4) int8_t x[MANY + 4u];
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS_OF_ROWS; round++) {
        dassdp_projection_t projection = draw_projection(4, is_wide != 0u ? 8 : 4);
        const int32_t low = is_wide != 0u ? -128 : -30, high = is_wide != 0u ? 127 : 30;
        const uint32_t adds = below(2), at = below(4);
        const uint32_t n_rows = sizeof image / projection.row_bytes; /* more hold what was drawn before */
        if (is_wide != 0u && below(4) == 0u) {
            projection.n_pre = (uint16_t)(1u + below(n_rows < MANY ? n_rows : MANY));
        }
        for (uint32_t j = 0; j < sizeof x; j++) {
            x[j] = (int8_t)within(low, high);
        }
        draw_sums(is_wide, projection.row_bytes, is_wide != 0u ? -(1 << 29) : -5000,
                  is_wide != 0u ? 1 << 29 : 5000);
        kernel(&projection, made.values, x + at, adds);
        portable(&projection, wanted.values, x + at, adds);
        n_differing += differs();
    }
    return n_differing;
}

/* Sums into the form that a kernel adds to, or back. */
static void flip(uint32_t zero)
{
    for (uint32_t i = 0; i < COLUMNS; i++) {
        made.values[i] = (int32_t)((uint32_t)made.values[i] ^ zero);
    }
}

/* Up to three rows of up to five taps, of one column to three or of whole groups of four. */
static uint32_t scatter(dassdp_scatter_fn *kernel, dassdp_scatter_fn *portable, uint32_t is_wide,
                        uint32_t is_plain, uint32_t zero)
{
    const uint32_t bytes = is_wide != 0u ? 4u : 2u, group = is_plain != 0u ? 1u : 4u;
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n_taps = below(2) ? 3u : 1u + below(5);
        const uint32_t tap_columns = is_plain == 0u ? 4u : below(4) == 0u ? 1u + below(3) : 1u;
        const uint32_t place = tap_columns + (is_plain != 0u ? below(3) : 0u);
        const dassdp_patch_t patch = {
            .n_columns = is_plain != 0u ? n_taps * tap_columns : 4u * (1u + below(9)),
            .n_rows = below(2) ? 3u : 1u + below(3),
            .acc_step = group * bytes * below(2),
            .image_step = below(2) ? 0u : group * below(9),
            .tap_columns = tap_columns, .place_bytes = place * bytes,
        };
        const int32_t times = below(2) ? 1 : within(-30, 30);
        const uint32_t at = group * below(4) * bytes, from = group * below(99);
        (void)draw_projection(8, 8);
        draw_sums(is_wide, COLUMNS * 4u / bytes, -20000, 20000);
        flip(zero);
        kernel((uint8_t *)made.values + at, (const int8_t *)image + from, &patch, times);
        flip(zero);
        portable((uint8_t *)wanted.values + at, (const int8_t *)image + from, &patch, times);
        n_differing += differs();
    }
    return n_differing;
}

/* Up to four places of up to five channels, some of them listed, often with neurons behind them; rows of a
 * patch and what lies between them as above. */
static uint32_t scatter_run(dassdp_scatter_run_fn *kernel, dassdp_scatter_run_fn *portable,
                            uint32_t is_wide, uint32_t is_plain, uint32_t zero)
{
    const uint32_t bytes = is_wide != 0u ? 4u : 2u, group = is_plain != 0u ? 1u : 4u;
    uint32_t listed[LISTED], n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n_taps = below(3) ? 3u : 1u + below(5);
        const uint32_t tap_columns = is_plain == 0u ? 4u : below(4) == 0u ? 1u + below(3) : 1u;
        const uint32_t place = tap_columns + (is_plain != 0u ? below(3) : 4u * below(2));
        const uint32_t n_channels = 1u + below(5), n_places = 1u + below(4);
        const dassdp_run_t run = {
            .patch = {.n_columns = is_plain != 0u ? n_taps * tap_columns : 4u * (1u + below(6)),
                      .n_rows = below(2) ? 3u : 1u + below(3),
                      .acc_step = group * bytes * below(2),
                      .image_step = below(3) ? 0u : group * below(9),
                      .tap_columns = tap_columns, .place_bytes = place * bytes},
            .group_bytes = is_plain != 0u ? tap_columns * bytes : 0u,
            .channel_bytes = group * below(99),
            .begin = below(1000), .n = n_places * n_channels,
            .by_channels = {65536u / n_channels + 1u, 0, 16},
            .n_channels = n_channels,
            .acc = (uint8_t *)made.values + group * below(4) * bytes,
            .image = (const int8_t *)image + group * below(99),
        };
        dassdp_run_t same = run;
        same.acc += (uint8_t *)wanted.values - (uint8_t *)made.values;
        uint32_t n = 0;
        for (uint32_t idx = run.begin + below(run.n); n == 0u || (n < LISTED && below(9) != 0u);) {
            listed[n++] = idx;
            idx += 1u + below(below(2) ? 2u : 5u);
        }
        (void)draw_projection(8, 8);
        draw_sums(is_wide, COLUMNS * 4u / bytes, -15000, 15000);
        flip(zero);
        const uint32_t *stopped = kernel(&run, listed, listed + n);
        flip(zero);
        n_differing += (uint32_t)(stopped != portable(&same, listed, listed + n)) | differs();
    }
    return n_differing;
}

static uint32_t fill_words(void)
{
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n_words = 4u * below(COLUMNS / 4u + 1u), value = dassdp_random(&rng);
        draw_sums(1, COLUMNS, -9, 9);
        dassdp_k_fill((uint32_t *)(void *)made.values, n_words, value);
        for (uint32_t i = 0; i < n_words; i++) {
            wanted.values[i] = (int32_t)value;
        }
        n_differing += differs();
    }
    return n_differing;
}

static uint32_t learn_rows(dassdp_learn_rows_fn *kernel, dassdp_learn_rows_fn *portable,
                           uint32_t min_bits, uint32_t max_bits)
{
    static _Alignas(4) int16_t dw_q8[COLUMNS];
    static uint8_t before[sizeof image], left[sizeof image];
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS_OF_ROWS; round++) {
        const dassdp_projection_t projection = draw_projection(min_bits, max_bits);
        const uint32_t n_rows = draw_rows(&projection, 1), seed = dassdp_random(&rng);
        const int32_t most = below(2) != 0u ? 32512 : 600;
        uint32_t state = seed, state_wanted = seed;
        fill(dw_q8, COLUMNS, -most, most);
        memcpy(before, image, sizeof image);
        kernel(&projection, row_of, n_rows, dw_q8, &state, image);
        memcpy(left, image, sizeof image);
        memcpy(image, before, sizeof image);
        portable(&projection, row_of, n_rows, dw_q8, &state_wanted, image);
        n_differing += memcmp(left, image, sizeof image) != 0 || state != state_wanted;
    }
    return n_differing;
}

int32_t portable_feedback(const dassdp_projection_t *projection, const void *weights,
                          uint32_t pre_idx, const int16_t *err);

static uint32_t feedback(void)
{
    static _Alignas(4) int16_t err[COLUMNS];
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS_OF_ROWS; round++) {
        dassdp_projection_t projection =
            below(3) == 0u ? draw_projection(16, 16) : draw_projection(4, 8);
        const int32_t most = projection.weight_bits == 16u ? 450 : 4096;
        const uint32_t pre_idx = below(PRE);
        memset(err, 0, sizeof err);
        fill(err, projection.n_post, -most, most);
        n_differing += dassdp_k_feedback(&projection, image, pre_idx, err)
                       != portable_feedback(&projection, image, pre_idx, err);
    }
    return n_differing;
}

uint32_t portable_update_row(uint32_t row_rshift, int16_t *dw_q8, const int16_t *k,
                             uint32_t n_columns, uint32_t n_spikes, const uint8_t *latency_post,
                             const uint8_t *g_q7);
uint32_t portable_update_row_sums(uint32_t row_rshift, int16_t *dw_q8, const int16_t *k,
                                  const int16_t *sums, uint32_t n_columns);

/* The largest amplitude whose product with x is an update, or one of few. */
static int32_t draw_most(uint32_t row_rshift, int32_t x)
{
    const int32_t largest = ((DASSDP_DW_MAX_Q8 << row_rshift) - (1 << (row_rshift - 1u))) / x;
    const int32_t most = largest < INT16_MAX ? largest : INT16_MAX;
    return below(2) != 0u ? most : 1 + (int32_t)below((uint32_t)(most < 300 ? most : 300));
}

/* Amplitudes of which some are 0, as error rules have them. */
static void draw_k(int16_t *k, uint32_t n, int32_t most)
{
    const uint32_t zeros = below(4);
    fill(k, n, -most, most);
    for (uint32_t i = 0; i < n; i++) {
        k[i] = (int16_t)(below(4) < zeros ? 0 : k[i]);
    }
}

static uint32_t update_row(void)
{
    static _Alignas(4) int16_t k[COLUMNS];
    static uint8_t latency[COLUMNS + 4u], g_q7[256];
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n_columns = 8u * (1u + below(COLUMNS / 8u)), row_rshift = 12u + below(5);
        const uint32_t n_steps = 1u + below(255), n_spikes = 1u + below(n_steps), at = below(4);
        const int32_t g_most = below(2) != 0u ? 128 : 1 + (int32_t)below(128);
        const uint8_t *window = below(4) == 0u ? 0 : g_q7;
        for (uint32_t t = 0; t < n_steps; t++) {
            g_q7[t] = (uint8_t)within(0, g_most);
        }
        for (uint32_t i = 0; i < sizeof latency; i++) {
            latency[i] = (uint8_t)within(0, (int32_t)n_steps - 1);
        }
        draw_k(k, n_columns, draw_most(row_rshift, (int32_t)n_spikes * 128));
        draw_sums(0, n_columns, -9, 9);
        n_differing += dassdp_k_update_row(row_rshift, (int16_t *)made.values, k, n_columns,
                                           n_spikes, latency + at, window)
                       != portable_update_row(row_rshift, (int16_t *)wanted.values, k, n_columns,
                                              n_spikes, latency + at, window);
        n_differing += differs();
    }
    return n_differing;
}

static uint32_t update_row_sums(void)
{
    static _Alignas(4) int16_t k[COLUMNS], sums[COLUMNS];
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n_columns = 8u * (1u + below(COLUMNS / 8u)), row_rshift = 12u + below(5);
        const int32_t most_sum = 1 + (int32_t)below(below(2) != 0u ? INT16_MAX : 300);
        draw_k(k, n_columns, draw_most(row_rshift, most_sum));
        fill(sums, n_columns, -most_sum, most_sum);
        draw_sums(0, n_columns, -9, 9);
        n_differing +=
            dassdp_k_update_row_sums(row_rshift, (int16_t *)made.values, k, sums, n_columns)
            != portable_update_row_sums(row_rshift, (int16_t *)wanted.values, k, sums, n_columns);
        n_differing += differs();
    }
    return n_differing;
}

uint32_t portable_update_row_placed(uint32_t row_rshift, int16_t *dw_q8, const uint32_t *placed,
                                    const int16_t *sums, uint32_t n_columns);

/* Some of the columns, ascending, padded with one whose k is 0; the others keep what they held. */
static uint32_t update_row_placed(void)
{
    static _Alignas(4) int16_t k[COLUMNS], sums[COLUMNS];
    static _Alignas(8) uint32_t placed[COLUMNS];
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n_columns = 8u * (1u + below(COLUMNS / 8u)), row_rshift = 12u + below(5);
        const int32_t most_sum = 1 + (int32_t)below(below(2) != 0u ? INT16_MAX : 300);
        const uint32_t without = below(n_columns), most = 8u * (1u + below(n_columns / 8u));
        uint32_t n = 0;
        draw_k(k, n_columns, draw_most(row_rshift, most_sum));
        for (uint32_t i = 0; i < n_columns; i++) {
            if (i != without && n < most && below(3) != 0u) {
                placed[n++] = i << 17 | (uint16_t)k[i];
            }
        }
        for (; n == 0u || n % 8u != 0u; n++) {
            placed[n] = without << 17;
        }
        fill(sums, n, -most_sum, most_sum);
        draw_sums(0, n_columns, -9, 9);
        n_differing +=
            dassdp_k_update_row_placed(row_rshift, (int16_t *)made.values, placed, sums, n)
            != portable_update_row_placed(row_rshift, (int16_t *)wanted.values, placed, sums, n);
        n_differing += differs();
    }
    return n_differing;
}

dassdp_touch_fn portable_touch_v16;

/* Membranes around the threshold and at the ends, constants shared or of each; some wide. */
static uint32_t touch_v16(void)
{
    static _Alignas(4) int16_t v[COLUMNS], reset_by[COLUMNS], width[COLUMNS];
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n = 1u + below(COLUMNS);
        const int32_t most = below(3) == 0u ? INT16_MAX : 1 + (int32_t)below(1000);
        const dassdp_population_t population = {
            .n_neurons = (uint16_t)n, .fire_stride = (uint8_t)below(2),
            .reset_by = reset_by, .touch_width = width,
        };
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t at = population.fire_stride != 0u ? i : 0u;
            reset_by[i] = (int16_t)within(below(4) == 0u ? most : 0, most);
            width[i] = (int16_t)(1 + (int32_t)below((uint32_t)most));
            const int32_t edge = reset_by[at] + (below(2) != 0u ? 1 : -1) * width[at];
            const int32_t drawn = below(4) == 0u   ? (below(2) != 0u ? INT16_MIN : INT16_MAX)
                                  : below(2) != 0u ? edge + within(-1, 1)
                                                   : within(-2 * most, 2 * most);
            v[i] = dassdp_saturate_s16(drawn);
        }
        draw_sums(1, 0, 0, 0);
        dassdp_k_touch_v16(&population, v, (uint32_t *)made.values);
        portable_touch_v16(&population, v, (uint32_t *)wanted.values);
        n_differing += differs();
    }
    return n_differing;
}

#define CHECK(name, call)                                                                          \
    uint32_t check_##name(uint32_t seed);                                                          \
    uint32_t check_##name(uint32_t seed)                                                           \
    {                                                                                              \
        rng = seed;                                                                                \
        return call;                                                                               \
    }
#define CHECK_OF(kind, name, ...)                                                                  \
    dassdp_##kind##_fn portable_##name;                                                            \
    CHECK(name, kind(dassdp_k_##name, portable_##name, __VA_ARGS__))

CHECK_OF(accumulate, accumulate_s16, 16, 16)
CHECK_OF(accumulate, accumulate_s8, 8, 8)
CHECK_OF(accumulate, accumulate_s7, 7, 7)
CHECK_OF(accumulate, accumulate_s6, 4, 6)
CHECK_OF(accumulate, accumulate_p4, PACKED, PACKED)
CHECK_OF(analogue, analogue_a16, 0)
CHECK_OF(analogue, analogue_a32, 1)
CHECK_OF(scatter, scatter_a16, 0, 0, dassdp_k_scatter_a16_zero)
CHECK_OF(scatter, scatter_a32, 1, 0, 0)
CHECK_OF(scatter, scatter_plain_a16, 0, 1, 0)
CHECK_OF(scatter, scatter_plain_a32, 1, 1, 0)
CHECK_OF(scatter_run, scatter_run_a16, 0, 0, dassdp_k_scatter_a16_zero)
CHECK_OF(scatter_run, scatter_run_a32, 1, 0, 0)
CHECK_OF(scatter_run, scatter_run_plain_a16, 0, 1, 0)
CHECK_OF(scatter_run, scatter_run_plain_a32, 1, 1, 0)
CHECK(fill, fill_words())
CHECK_OF(learn_rows, learn_rows_s16, 16, 16)
CHECK_OF(learn_rows, learn_rows_s8, 8, 8)
CHECK_OF(learn_rows, learn_rows_s4, 4, 7)
CHECK_OF(learn_rows, learn_rows_p4, PACKED, PACKED)
CHECK(feedback, feedback())
CHECK(update_row, update_row())
CHECK(update_row_sums, update_row_sums())
CHECK(update_row_placed, update_row_placed())
CHECK(touch_v16, touch_v16())
