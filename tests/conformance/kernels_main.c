/* Every kernel that a computer has its own version of, over random arguments; prints one checksum
 * for each. Linked with two folders of kernels it must print the same. */
#include <stdio.h>
#include <string.h>

#include "fixed.h"
#include "kernels.h"

enum { ROUNDS = 1000, COLUMNS = 640, PRE = 96 };
enum { PACKED = 0 }; /* in place of a number of bits: 4, two weights to a byte */

static uint32_t rng;
static uint8_t image[PRE * COLUMNS];
static int32_t acc[COLUMNS], v_mem[COLUMNS], base[COLUMNS], fire_at[COLUMNS], reset_by[COLUMNS];
static uint16_t leak_q15[COLUMNS];

static uint32_t below(uint32_t n) { return dassdp_random(&rng) % n; }

static int32_t around(int32_t limit) { return (int32_t)below(2u * (uint32_t)limit) - limit; }

static void fill(int32_t *array, int is_wide, uint32_t n, int32_t low, int32_t high)
{
    memset(array, 0, COLUMNS * sizeof *array);
    for (uint32_t i = 0; i < n; i++) {
        int32_t value = low + (int32_t)below((uint32_t)(high - low) + 1u);
        if (is_wide) {
            array[i] = value;
        } else {
            ((int16_t *)array)[i] = (int16_t)value;
        }
    }
}

static dassdp_projection_t random_projection(uint8_t min_bits, uint8_t max_bits)
{
    const uint32_t n_columns = 8u * (1u + below(COLUMNS / 8u));
    dassdp_projection_t projection = {
        .weight_bits = (uint8_t)(min_bits + below((uint32_t)(max_bits - min_bits) + 1u)),
        .nibbles_log2 = 1u,
        .n_pre = (uint16_t)(1u + below(PRE)),
        .n_post = (uint16_t)n_columns,
        .factory = image,
    };
    if (projection.weight_bits == PACKED) {
        projection.weight_bits = 4u;
        projection.nibbles_log2 = 0u;
    }
    projection.row_bytes = dassdp_columns_bytes(&projection, n_columns);
    for (uint32_t i = 0; i < sizeof image; i++) {
        const uint32_t nibbles = below(1u << projection.weight_bits);
        image[i] = (uint8_t)(nibbles | (min_bits == PACKED ? below(16) << 4 : 0u));
    }
    return projection;
}

static uint32_t accumulate(dassdp_accumulate_fn *kernel, uint8_t min_bits, uint8_t max_bits)
{
    uint32_t crc = 0;
    for (uint32_t round = 0; round < ROUNDS / 10; round++) {
        dassdp_projection_t projection = random_projection(min_bits, max_bits);
        dassdp_row_t rows[DASSDP_ROWS_MAX];
        uint32_t n_rows = 1u + below(DASSDP_ROWS_MAX);
        for (uint32_t a = 0; a < n_rows; a++) {
            rows[a] = dassdp_first_row(image) + below(PRE) * projection.row_bytes;
        }
        fill(acc, 0, projection.n_post, -20000, 20000);
        kernel(&projection, acc, rows, n_rows, below(2), image);
        crc = dassdp_crc32(crc, acc, sizeof acc);
    }
    return crc;
}

static uint32_t analogue(dassdp_analogue_fn *kernel, int is_wide)
{
    uint32_t crc = 0;
    for (uint32_t round = 0; round < ROUNDS / 10; round++) {
        dassdp_projection_t projection = random_projection(4, is_wide ? 8 : 4);
        int8_t x[PRE];
        for (uint32_t j = 0; j < PRE; j++) {
            x[j] = (int8_t)around(is_wide ? 128 : 30);
        }
        fill(acc, is_wide, projection.row_bytes, -5000, 5000);
        kernel(&projection, acc, x, below(2));
        crc = dassdp_crc32(crc, acc, sizeof acc);
    }
    return crc;
}

/* Sums into the form that kernels add to, and back. */
static void flip(uint32_t zero)
{
    for (uint32_t i = 0; i < COLUMNS; i++) {
        acc[i] = (int32_t)((uint32_t)acc[i] ^ zero);
    }
}

static uint32_t scatter(dassdp_scatter_fn *kernel, int is_wide, uint32_t zero)
{
    uint32_t crc = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t bytes = is_wide ? 4 : 2;
        uint32_t first = 4u * below(COLUMNS / 16u);
        dassdp_patch_t patch = {.n_columns = 4u * (1u + below(COLUMNS / 32u)),
                                .n_rows = 1u + below(3),
                                .acc_step = 4u * bytes * below(COLUMNS / 32u),
                                .image_step = 4u * below(9)};
        int32_t times = below(2) ? 1 : around(is_wide ? 256 : 30);
        random_projection(8, 8);
        fill(acc, is_wide, COLUMNS, -20000, 20000);
        flip(zero);
        kernel((uint8_t *)acc + first * bytes, (const int8_t *)image + 4u * below(99), &patch,
               times);
        flip(zero);
        crc = dassdp_crc32(crc, acc, sizeof acc);
    }
    return crc;
}

enum { PAIRS = 1, PAIRS_SHIFT = 2 };

static uint32_t neurons(dassdp_neuron_fn *kernel, int v_is_wide, int acc_is_wide, int is_pairs)
{
    const int32_t v_limit = v_is_wide ? 1 << 28 : 32767;
    uint32_t crc = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t n = 1u + below(200), spk_bits[8] = {0};
        int32_t theta = 1 + (int32_t)below((uint32_t)v_limit >> below(12));
        dassdp_population_t population = {
            .n_neurons = (uint16_t)n, .acc_lshift = (uint8_t)below(7),
            .acc_rshift = (uint8_t)(is_pairs ? 0 : below(4)),
            .leak_shift = (uint8_t)(is_pairs == PAIRS_SHIFT ? 1u + below(15)
                                    : is_pairs || below(2) ? 0 : below(15)),
            .leak_stride = (uint8_t)(is_pairs ? 0 : below(2)),
            .fire_stride = (uint8_t)(is_pairs ? 0 : below(2)),
            .leak_q15 = leak_q15, .fire_at = fire_at, .reset_by = reset_by,
        };
        for (uint32_t i = 0; i < n; i++) {
            leak_q15[i] = (uint16_t)below(is_pairs ? 32768 : 32769);
        }
        if (is_pairs == PAIRS_SHIFT) {
            leak_q15[0] = (uint16_t)(32768u - (32768u >> population.leak_shift));
        }
        fill(fire_at, v_is_wide, n, (theta + 1) / 2, theta);
        fill(reset_by, v_is_wide, n, theta / 2, theta);
        fill(v_mem, v_is_wide, n, -v_limit, v_limit);
        fill(base, v_is_wide, n, -16000, 16000);
        fill(acc, acc_is_wide, n, is_pairs ? -255 : -32768, is_pairs ? 255 : 32767);
        kernel(&population, v_mem, spk_bits, acc, base);
        crc = dassdp_crc32(crc, v_mem, n * (v_is_wide ? 4u : 2u));
        crc = dassdp_crc32(crc, spk_bits, sizeof spk_bits);
    }
    return crc;
}

static uint32_t list_rows(void)
{
    uint32_t crc = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t words[12], density = below(33), n_rows = 1;
        for (uint32_t w = 0; w < 12; w++) {
            words[w] = 0;
            for (uint32_t bit = 0; bit < 32; bit++) {
                words[w] |= (uint32_t)(below(32) < density) << bit;
            }
        }
        dassdp_cursor_t cursor = { words, 1u + below(12), below(1000), 8u * (1u + below(80)) };
        while (n_rows != 0u) {
            dassdp_row_t rows[DASSDP_ROWS_MAX + 1];
            memset(rows, 0xAA, sizeof rows);
            n_rows = dassdp_k_rows(&cursor, rows);
            crc = dassdp_crc32(crc, &n_rows, sizeof n_rows);
            crc = dassdp_crc32(crc, rows, sizeof rows);
        }
    }
    return crc;
}

#define SHOW(name, value) (rng = 1u, printf("%s %08x\n", name, (unsigned)(value)))
#define SHOW_NEURONS(kind, v_is_wide, acc_is_wide, is_pairs)                                       \
    SHOW(#kind "_none",                                                                            \
         neurons(dassdp_k_neuron_##kind##_none, v_is_wide, acc_is_wide, is_pairs));                \
    SHOW(#kind "_subtract_delayed",                                                                \
         neurons(dassdp_k_neuron_##kind##_subtract_delayed, v_is_wide, acc_is_wide, is_pairs));    \
    SHOW(#kind "_subtract_now",                                                                    \
         neurons(dassdp_k_neuron_##kind##_subtract_now, v_is_wide, acc_is_wide, is_pairs));        \
    SHOW(#kind "_zero_delayed",                                                                    \
         neurons(dassdp_k_neuron_##kind##_zero_delayed, v_is_wide, acc_is_wide, is_pairs));        \
    SHOW(#kind "_zero_now",                                                                        \
         neurons(dassdp_k_neuron_##kind##_zero_now, v_is_wide, acc_is_wide, is_pairs))

int main(void)
{
    SHOW("accumulate_s8", accumulate(dassdp_k_accumulate_s8, 8, 8));
    SHOW("accumulate_s7", accumulate(dassdp_k_accumulate_s7, 7, 7));
    SHOW("accumulate_s6", accumulate(dassdp_k_accumulate_s6, 4, 6));
    SHOW("accumulate_p4", accumulate(dassdp_k_accumulate_p4, PACKED, PACKED));
    SHOW("analogue_a16", analogue(dassdp_k_analogue_a16, 0));
    SHOW("analogue_a32", analogue(dassdp_k_analogue_a32, 1));
    SHOW("scatter_a16", scatter(dassdp_k_scatter_a16, 0, dassdp_k_scatter_a16_zero));
    SHOW("scatter_a32", scatter(dassdp_k_scatter_a32, 1, 0));
    SHOW("rows", list_rows());
    SHOW_NEURONS(pairs, 0, 0, PAIRS);
    SHOW_NEURONS(pairs_shift, 0, 0, PAIRS_SHIFT);
    SHOW_NEURONS(v16_a16, 0, 0, 0);
    SHOW_NEURONS(v16_a32, 0, 1, 0);
    SHOW_NEURONS(v32_a16, 1, 0, 0);
    SHOW_NEURONS(v32_a32, 1, 1, 0);
    return 0;
}
