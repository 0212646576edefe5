/* Neuron kernels of a core, in pairs, lean and of dynamics, against the portable ones that it also has, over
 * random arguments: each function returns the number of rounds that differ, in results or in what lies
 * behind them. */
#include "drawn.h"

enum { NEURONS = 136, WORDS = NEURONS / 32 + 2 };

typedef struct {
    int32_t v[NEURONS + CANARY];
    uint32_t spk_bits[WORDS];
} left_t;

static int32_t acc[NEURONS], base[NEURONS], fire_at[NEURONS], reset_by[NEURONS];
static uint16_t leak_q15[NEURONS];
static left_t made, wanted;

static void set(int32_t *array, uint32_t is_wide, uint32_t i, int32_t value)
{
    if (is_wide != 0u) {
        array[i] = value;
    } else {
        ((int16_t *)array)[i] = (int16_t)value;
    }
}

/* What a family of kernels is for. */
enum { LEAN = 0, SHIFT = 1, PAIRS = 2 };

static uint32_t neurons(dassdp_neuron_fn *kernel, dassdp_neuron_fn *portable, uint32_t v_is_wide,
                        uint32_t acc_is_wide, uint32_t family)
{
    const uint32_t is_shift = family & SHIFT, is_pairs = family & PAIRS;
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n = 1u + below(NEURONS), kind = is_pairs != 0u ? 0u : below(4);
        const uint32_t most_q15 = is_pairs != 0u ? 32767u : 32768u;
        const uint32_t shift = is_shift == 0u ? 0u : 1u + below(below(2) ? 4 : is_pairs ? 15 : 30);
        const uint32_t goes_right = acc_is_wide & below(2);
        const int32_t v_limit = v_is_wide != 0u ? (1 << 30) - 1 : 32767;
        const int32_t most = below(3) == 0u ? v_limit : 1 + (int32_t)below(1000);
        dassdp_population_t population = {
            .n_neurons = (uint16_t)n,
            .acc_lshift = (uint8_t)(goes_right != 0u ? 0u : below(8)),
            .acc_rshift = (uint8_t)(goes_right != 0u ? below(15) : 0u),
            .leak_shift = (uint8_t)shift, .leak_stride = kind == 1u && shift == 0u,
            .fire_stride = kind == 2u,
            .leak_q15 = leak_q15, .fire_at = fire_at, .reset_by = reset_by,
        };
        memset(acc, 0, sizeof acc);
        memset(base, 0, sizeof base);
        memset(&wanted, 0, sizeof wanted);
        memset(wanted.v, 0, sizeof wanted.v);
        for (uint32_t i = 0; i < DASSDP_COLUMNS(n); i++) {
            int32_t theta = 1 + (int32_t)below((uint32_t)most);
            uint32_t leak_kind = below(8);
            leak_q15[i] = (uint16_t)(leak_kind == 0u ? most_q15 : leak_kind == 1u ? 16384u
                                     : leak_kind == 2u ? 16383u : below(most_q15 + 1u));
            set(fire_at, v_is_wide, i, theta);
            set(reset_by, v_is_wide, i, below(8) == 0u ? 0 : 1 + (int32_t)below((uint32_t)theta));
            if (i < n) {
                int32_t wide = acc_is_wide != 0u ? 1 << 20 : is_pairs != 0u ? 127 : 32767;
                set(acc, acc_is_wide, i, within(-wide, wide));
                set(base, v_is_wide, i, within(-32767, 32767) / (is_pairs != 0u ? 2 : 1));
                set(wanted.v, v_is_wide, i,
                    below(2) ? within(-v_limit - (int32_t)(v_is_wide == 0u), v_limit)
                             : within(-most, most));
            }
        }
        if (shift != 0u) {
            leak_q15[0] = (uint16_t)(32768u - (32768u >> shift));
        }
        for (uint32_t i = 0; i < 4u * CANARY; i++) { /* behind the padding */
            ((uint8_t *)wanted.v)[DASSDP_COLUMNS(n) * (v_is_wide != 0u ? 4u : 2u) + i] = 0xA5u;
        }
        wanted.spk_bits[DASSDP_WORDS(n)] = 0xA5A5A5A5u;
        memcpy(&made, &wanted, sizeof made);
        kernel(&population, made.v, made.spk_bits, acc, base);
        portable(&population, wanted.v, wanted.spk_bits, acc, base);
        n_differing += memcmp(&made, &wanted, sizeof made) != 0;
    }
    return n_differing;
}

typedef struct {
    int32_t v[NEURONS + CANARY];
    int32_t i[NEURONS + CANARY];
    uint8_t n_spikes[NEURONS + CANARY];
    uint32_t spk_bits[WORDS];
} rich_left_t;

static rich_left_t rich_made, rich_wanted;

static void set_canaries(uint32_t n, uint32_t v_is_wide)
{
    const uint32_t n_columns = DASSDP_COLUMNS(n), v_bytes = v_is_wide != 0u ? 4u : 2u;
    memset((uint8_t *)rich_wanted.v + n_columns * v_bytes, 0xA5, 4u * CANARY);
    memset(rich_wanted.i + n_columns, 0xA5, 4u * CANARY);
    memset(rich_wanted.n_spikes + DASSDP_PLACE(n), 0xA5, CANARY);
    rich_wanted.spk_bits[DASSDP_WORDS(n)] = 0xA5A5A5A5u;
}

/* Sums for few neurons. */
static void silence(uint32_t n, uint32_t acc_is_wide)
{
    for (uint32_t i = 0; i < n; i++) {
        if (below(4) != 0u) {
            set(acc, acc_is_wide, i & ~3u, 0);
            set(acc, acc_is_wide, i, 0);
        }
    }
}

static uint32_t rich_differs(uint32_t n, uint32_t v_is_wide)
{
    for (uint32_t i = n; i < DASSDP_COLUMNS(n); i++) { /* padding is anything */
        set(rich_made.v, v_is_wide, i, 0);
        rich_made.i[i] = 0;
    }
    memset(rich_made.n_spikes + n, 0, DASSDP_PLACE(n) - n);
    return memcmp(&rich_made, &rich_wanted, sizeof rich_made) != 0;
}

static uint32_t dynamics(dassdp_dynamics_fn *kernel, dassdp_dynamics_fn *portable,
                         uint32_t v_is_wide, uint32_t acc_is_wide, uint32_t has_current)
{
    const int32_t v_limit = v_is_wide != 0u ? (1 << 30) - 1 : 32767;
    uint32_t n_differing = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t n = 1u + below(NEURONS), is_far = below(3) == 0u;
        const uint32_t goes_right = acc_is_wide & below(2), leak_kind = below(4);
        const uint32_t shift = leak_kind == 0u ? 1u + below(below(2) ? 4 : 30) : 0u;
        const int32_t most = is_far != 0u ? v_limit : 1 + (int32_t)below(1000);
        int32_t v_bias[1] = {0}, v_min[1] = {0};
        uint16_t leak_i_q15[1] = {(uint16_t)(below(4) == 0u ? 32768u : below(32768))};
        set(v_bias, v_is_wide, 0, has_current != 0u ? within(-300, 300) : 0);
        set(v_min, v_is_wide, 0, -(int32_t)below((uint32_t)most));
        const dassdp_dynamics_t rich = {
            .leak_i_q15 = has_current != 0u ? leak_i_q15 : 0, .v_bias = v_bias,
            .v_min = has_current == 0u && below(2) ? v_min : 0,
            .i_frac_bits = (uint8_t)(has_current ? below(9) : 0u),
            .max_spikes = (uint8_t)(below(16) == 0u ? 255u : 1u + below(4)),
        };
        const dassdp_population_t population = {
            .n_neurons = (uint16_t)n, .v_is_wide = (uint8_t)v_is_wide,
            .acc_lshift = (uint8_t)(goes_right != 0u ? 0u : below(8)),
            .acc_rshift = (uint8_t)(goes_right != 0u ? below(15) : 0u),
            .leak_shift = (uint8_t)shift, .leak_q15 = leak_q15, .fire_at = fire_at,
            .reset_by = reset_by, .dynamics = &rich,
        };
        const uint32_t stays = has_current == 0u && leak_kind == 1u && below(2) != 0u;
        memset(acc, 0, sizeof acc);
        memset(base, 0, sizeof base);
        memset(&rich_wanted, 0, sizeof rich_wanted);
        const int32_t theta = 1 + (int32_t)below((uint32_t)most);
        leak_q15[0] = (uint16_t)(shift != 0u ? 32768u - (32768u >> shift)
                                 : leak_kind == 1u ? 32768u : below(32768));
        set(fire_at, v_is_wide, 0, theta);
        set(reset_by, v_is_wide, 0, theta - (int32_t)below((uint32_t)theta) / 8);
        for (uint32_t i = 0; i < n; i++) {
            const int32_t wide = acc_is_wide != 0u ? 1 << 14 : is_far != 0u ? 32767 : 300;
            set(acc, acc_is_wide, i, within(-wide, wide));
            const int32_t in = has_current != 0u && most > 1 << 20 ? 1 << 20 : most; /* as proven */
            set(base, v_is_wide, i, stays != 0u ? 0 : within(-in, in) / 2);
            set(rich_wanted.v, v_is_wide, i, within(-most, most));
            rich_wanted.i[i] = has_current == 0u ? 0
                               : is_far != 0u    ? within(-(1 << 30), (1 << 30) - 1)
                                                 : within(-(most << 8), most << 8);
        }
        set_canaries(n, v_is_wide);
        if (stays != 0u) { /* a step before */
            portable(&population, rich_wanted.v, rich_wanted.spk_bits, acc, base, 0,
                     rich_wanted.n_spikes);
            silence(n, acc_is_wide);
        }
        memcpy(&rich_made, &rich_wanted, sizeof rich_made);
        kernel(&population, rich_made.v, rich_made.spk_bits, acc, stays != 0u ? 0 : base,
               has_current != 0u ? rich_made.i : 0, rich_made.n_spikes);
        portable(&population, rich_wanted.v, rich_wanted.spk_bits, acc, base,
                 has_current != 0u ? rich_wanted.i : 0, rich_wanted.n_spikes);
        n_differing += rich_differs(n, v_is_wide);
    }
    return n_differing;
}

#define CHECK(kind, container, reset, ...)                                                         \
    uint32_t check_##kind##_##reset(uint32_t seed);                                                \
    uint32_t check_##kind##_##reset(uint32_t seed)                                                 \
    {                                                                                              \
        rng = seed;                                                                                \
        return neurons(dassdp_k_neuron_##kind##_##reset, dassdp_k_neuron_##container##_##reset,    \
                       __VA_ARGS__);                                                               \
    }
#define CHECKS(kind, container, ...)                                                               \
    CHECK(kind, container, none, __VA_ARGS__)                                                      \
    CHECK(kind, container, subtract_delayed, __VA_ARGS__)                                          \
    CHECK(kind, container, subtract_now, __VA_ARGS__)                                              \
    CHECK(kind, container, zero_delayed, __VA_ARGS__)                                              \
    CHECK(kind, container, zero_now, __VA_ARGS__)

CHECKS(pairs, v16_a16, 0, 0, PAIRS)
CHECKS(pairs_shift, v16_a16, 0, 0, PAIRS | SHIFT)
CHECKS(lean_v16_a16, v16_a16, 0, 0, LEAN)
CHECKS(lean_v16_a32, v16_a32, 0, 1, LEAN)
CHECKS(lean_v32_a16, v32_a16, 1, 0, LEAN)
CHECKS(lean_v32_a32, v32_a32, 1, 1, LEAN)
CHECKS(lean_shift_v16_a16, v16_a16, 0, 0, SHIFT)
CHECKS(lean_shift_v16_a32, v16_a32, 0, 1, SHIFT)
CHECKS(lean_shift_v32_a16, v32_a16, 1, 0, SHIFT)
CHECKS(lean_shift_v32_a32, v32_a32, 1, 1, SHIFT)

#define CHECK_RICH(kind, container, reset, ...)                                                    \
    uint32_t check_dynamics_##kind##_##container##_##reset(uint32_t seed);                         \
    uint32_t check_dynamics_##kind##_##container##_##reset(uint32_t seed)                          \
    {                                                                                              \
        rng = seed;                                                                                \
        return dynamics(dassdp_k_dynamics_##kind##_##container##_##reset,                          \
                        dassdp_k_dynamics_##container##_##reset, __VA_ARGS__);                     \
    }
#define CHECKS_RICH(kind, container, ...)                                                          \
    CHECK_RICH(kind, container, none, __VA_ARGS__)                                                 \
    CHECK_RICH(kind, container, subtract_delayed, __VA_ARGS__)                                     \
    CHECK_RICH(kind, container, subtract_now, __VA_ARGS__)                                         \
    CHECK_RICH(kind, container, subtract_once, __VA_ARGS__)                                        \
    CHECK_RICH(kind, container, subtract_many, __VA_ARGS__)                                        \
    CHECK_RICH(kind, container, zero_delayed, __VA_ARGS__)                                         \
    CHECK_RICH(kind, container, zero_delayed_all, __VA_ARGS__)                                     \
    CHECK_RICH(kind, container, zero_now, __VA_ARGS__)

CHECKS_RICH(lean, v16_a16, 0, 0, 0)
CHECKS_RICH(lean, v16_a32, 0, 1, 0)
CHECKS_RICH(lean, v32_a16, 1, 0, 0)
CHECKS_RICH(lean, v32_a32, 1, 1, 0)
CHECKS_RICH(current, v16_a16, 0, 0, 1)
CHECKS_RICH(current, v16_a32, 0, 1, 1)
CHECKS_RICH(current, v32_a16, 1, 0, 1)
CHECKS_RICH(current, v32_a32, 1, 1, 1)
