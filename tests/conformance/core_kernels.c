/* Lean neuron kernels of a core against the portable ones that it also has, over random arguments: each function
 * returns the number of rounds that differ, in results or in what lies behind them. */
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
