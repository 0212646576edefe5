/* Kernels: the same symbols in every kernel folder; the build picks the file. The portable C is
 * their specification. */
#ifndef DASSDP_KERNELS_H
#define DASSDP_KERNELS_H

#include "dassdp_quantities.h"
#include "dassdp_tables.h"

/* Image byte k of a group of four columns holds column DASSDP_LANE(k): n0, n2, n1, n3. */
#define DASSDP_LANE(k) ((((k) & 1u) << 1) | (((k) & 2u) >> 1))

/* Columns of a weight image, a row of sums or an update row, neurons of an array of membranes: n
 * and its padding. */
#define DASSDP_COLUMNS(n) (((n) + (DASSDP_COLUMN_ALIGN - 1u)) & ~(DASSDP_COLUMN_ALIGN - 1u))

/* Channels of a place of a population, padding included. */
#define DASSDP_PLACE(n) (((n) + 3u) & ~3u)

/* Where column i of a row stands, but for 16 bits: the byte, and the lowest bit within it. The lane order
 * is its own inverse. Of four bytes of a packed image, which holds two weights to a byte, low nibbles are
 * one group of four columns, high ones the next. */
static inline uint32_t dassdp_byte_of(const dassdp_projection_t *projection, uint32_t i,
                                      uint32_t *shift)
{
    const uint32_t is_packed = projection->nibbles_log2 ^ 1u;
    *shift = i & (is_packed << 2);
    return ((i >> is_packed) & ~3u) + DASSDP_LANE(i);
}

/* Bytes of columns of an image, a multiple of eight. */
static inline uint32_t dassdp_columns_bytes(const dassdp_projection_t *projection, uint32_t n)
{
    return n << projection->nibbles_log2 >> 1;
}

/* One weight of an image. */
static inline int32_t dassdp_weight(const dassdp_projection_t *projection, const void *image,
                                    uint32_t pre_idx, uint32_t post_idx)
{
    const uint8_t *row = (const uint8_t *)image + pre_idx * projection->row_bytes;
    if (projection->weight_bits == 16u) {
        return ((const int16_t *)(const void *)row)[post_idx];
    }
    uint32_t shift;
    const uint32_t u = row[dassdp_byte_of(projection, post_idx, &shift)];
    const uint32_t top = 1u << (projection->weight_bits - 1u);
    return (int32_t)((u >> shift) & (2u * top - 1u)) - (int32_t)top;
}

/* All weights of a row, w[DASSDP_COLUMNS(n_post)], padding included, which is 0. */
void dassdp_read_row(const dassdp_projection_t *projection, const void *image, uint32_t pre_idx,
                     int16_t *w);

/* Words of n packed spikes. */
#define DASSDP_WORDS(n) (((n) + 31u) >> 5)

/* Rows as lists name them. */
#if UINTPTR_MAX > 0xFFFFFFFFu
static inline dassdp_row_t dassdp_first_row(const void *image)
{
    (void)image;
    return 0;
}

static inline const uint8_t *dassdp_row(const void *image, dassdp_row_t row)
{
    return (const uint8_t *)image + row;
}
#else
static inline dassdp_row_t dassdp_first_row(const void *image)
{
    return (dassdp_row_t)image;
}

static inline const uint8_t *dassdp_row(const void *image, dassdp_row_t row)
{
    (void)image;
    return (const uint8_t *)row;
}
#endif

/* Words of spikes still to be listed, and the row of their first neuron. */
typedef struct {
    const uint32_t *spk_bits;
    uint32_t n_words;
    dassdp_row_t row;
    uint32_t row_bytes;
} dassdp_cursor_t;

/* Rows of the next spikes, ascending, by whole words while at most DASSDP_ROWS_FULL are listed.
 * Returns how many; 0: there are no more. */
uint32_t dassdp_k_rows(dassdp_cursor_t *cursor, dassdp_row_t *rows);

/* int16 sums of rows of byte weights: 8 bits; 7 bits, where two rows add up in bytes; 4 to 6 bits,
 * where four do. The final sums are proven to fit. */
dassdp_accumulate_fn dassdp_k_accumulate_s8;
dassdp_accumulate_fn dassdp_k_accumulate_s7;
dassdp_accumulate_fn dassdp_k_accumulate_s6;
/* The same of packed rows, whose weights have 4 bits. */
dassdp_accumulate_fn dassdp_k_accumulate_p4;
/* int32 sums of rows of 16-bit weights. */
dassdp_accumulate_fn dassdp_k_accumulate_s16;

/* Sums of byte weights times int8 currents, into int16 where every sum is proven to fit, or into
 * int32. */
dassdp_analogue_fn dassdp_k_analogue_a16;
dassdp_analogue_fn dassdp_k_analogue_a32;

/* dassdp_k_neuron_<v and sum container>_<reset>: one symbol each, so that only those used link. */
#define DASSDP_NEURON_KERNELS(container)                                                           \
    dassdp_neuron_fn dassdp_k_neuron_##container##_none;                                           \
    dassdp_neuron_fn dassdp_k_neuron_##container##_subtract_delayed;                               \
    dassdp_neuron_fn dassdp_k_neuron_##container##_subtract_now;                                   \
    dassdp_neuron_fn dassdp_k_neuron_##container##_zero_delayed;                                   \
    dassdp_neuron_fn dassdp_k_neuron_##container##_zero_now;
DASSDP_NEURON_KERNELS(v16_a16)
DASSDP_NEURON_KERNELS(v16_a32)
DASSDP_NEURON_KERNELS(v32_a16)
DASSDP_NEURON_KERNELS(v32_a32)
/* The same where leak_shift is 0, acc_rshift, too (with int32 sums acc_lshift or acc_rshift), and
 * leak_stride or fire_stride. All is padded to DASSDP_COLUMNS(n_neurons), v, base and acc with zeros,
 * constants of each neuron with any that they may have, and may be processed so far. */
DASSDP_NEURON_KERNELS(lean_v16_a16)
DASSDP_NEURON_KERNELS(lean_v16_a32)
DASSDP_NEURON_KERNELS(lean_v32_a16)
DASSDP_NEURON_KERNELS(lean_v32_a32)
/* The same where leak_shift is not 0; leak_q15 is 2^15 - floor(2^(15 - leak_shift)): the same leak of an
 * int16 but for halves, which a leak by a shift rounds down. */
DASSDP_NEURON_KERNELS(lean_shift_v16_a16)
DASSDP_NEURON_KERNELS(lean_shift_v16_a32)
DASSDP_NEURON_KERNELS(lean_shift_v32_a16)
DASSDP_NEURON_KERNELS(lean_shift_v32_a32)
/* v16_a16 where all neurons share leak_q15 < 2^15, fire_at >= 1 and reset_by, leak_shift and
 * acc_rshift are 0, and (acc << acc_lshift) + base is proven to fit int16. Padded
 * like these: padding never fires. */
DASSDP_NEURON_KERNELS(pairs)
/* The same where leak_shift is 1 to 15, and leak_q15 2^15 - 2^(15 - leak_shift). */
DASSDP_NEURON_KERNELS(pairs_shift)

/* Neurons that neither leak nor have a base, four by four. */
typedef struct {
    const void *acc;
    void *v;
    uint32_t before;       /* spikes of the step before of those left of a word, the lowest bits first */
    uint32_t n_left;       /* fours of that word */
    uint32_t acc_lshift;
    int32_t fire_at;
    int32_t lowest;        /* membranes are not below it, nor become so */
    uint32_t looks_back;   /* 15: a neuron that fired before is stopped at; 0 */
    uint32_t *spk_bits;    /* that word */
    uint32_t n_more;       /* fours of the words behind it */
} dassdp_fours_t;

typedef void dassdp_stay_fn(dassdp_fours_t *fours);

/* v = max(v + acc 2^acc_lshift, lowest), four by four, as long as none of the four fires then; stops at
 * the first four of which one does, or with n_left 0 at the end. Those that get no sum and have not
 * fired before are passed by. Every word begins without spikes. */
dassdp_stay_fn dassdp_k_stay_v16_a16;
dassdp_stay_fn dassdp_k_stay_v16_a32;
dassdp_stay_fn dassdp_k_stay_v32_a16;
dassdp_stay_fn dassdp_k_stay_v32_a32;

/* dassdp_k_dynamics_<v and sum container>_<reset>, in this order for each neuron:
 *   in = round(acc 2^acc_lshift / 2^acc_rshift) + base
 *   r = [v >= fire_at]                   subtract_delayed, subtract_now, zero_delayed[_all]
 *   i = round(i leak_i_q15 / 2^15) + in 2^i_frac_bits, in = round(i / 2^i_frac_bits)
 *                                        with a synaptic current
 *   in = in + v_bias
 *   v = (1 - r) v                        zero_delayed
 *   v = leak(v) + in
 *   v = (1 - r) v                        zero_delayed_all
 *   v = v - r reset_by                   subtract_delayed, subtract_now
 *   v = fit(v), s = [v >= fire_at]
 *   v = v - s reset_by                   subtract_once
 *   v = fit(v - (s - r) reset_by)        subtract_now
 *   v = (1 - s) v                        zero_now
 *   v = v - reset_by, s = s + 1 while v >= fire_at and s < max_spikes     subtract_many
 *   v = max(v, v_min)                    with v_min */
#define DASSDP_DYNAMICS_KERNELS(container)                                                         \
    dassdp_dynamics_fn dassdp_k_dynamics_##container##_none;                                       \
    dassdp_dynamics_fn dassdp_k_dynamics_##container##_subtract_delayed;                           \
    dassdp_dynamics_fn dassdp_k_dynamics_##container##_subtract_now;                               \
    dassdp_dynamics_fn dassdp_k_dynamics_##container##_subtract_once;                              \
    dassdp_dynamics_fn dassdp_k_dynamics_##container##_subtract_many;                              \
    dassdp_dynamics_fn dassdp_k_dynamics_##container##_zero_delayed;                               \
    dassdp_dynamics_fn dassdp_k_dynamics_##container##_zero_delayed_all;                           \
    dassdp_dynamics_fn dassdp_k_dynamics_##container##_zero_now;
DASSDP_DYNAMICS_KERNELS(v16_a16)
DASSDP_DYNAMICS_KERNELS(v16_a32)
DASSDP_DYNAMICS_KERNELS(v32_a16)
DASSDP_DYNAMICS_KERNELS(v32_a32)
/* The same where all neurons share fire_at, reset_by, leak_q15 (with leak_shift as lean kernels have it),
 * leak_i_q15, v_bias and v_min, and acc_rshift is 0 (with int32 sums acc_lshift or acc_rshift): without
 * a synaptic current, where v_bias is 0, or with one, where v_min is NULL and v_bias 2^i_frac_bits below
 * 2^30. All is padded like these. Without a current base may be NULL for zeros where nothing leaks and a
 * neuron that has not fired stays as it is without an input: v and spk_bits are those of a step before,
 * or v is below fire_at and not below v_min. */
DASSDP_DYNAMICS_KERNELS(lean_v16_a16)
DASSDP_DYNAMICS_KERNELS(lean_v16_a32)
DASSDP_DYNAMICS_KERNELS(lean_v32_a16)
DASSDP_DYNAMICS_KERNELS(lean_v32_a32)
DASSDP_DYNAMICS_KERNELS(current_v16_a16)
DASSDP_DYNAMICS_KERNELS(current_v16_a32)
DASSDP_DYNAMICS_KERNELS(current_v32_a16)
DASSDP_DYNAMICS_KERNELS(current_v32_a32)

/* words[i] = value; n_words is a multiple of 4. */
void dassdp_k_fill(uint32_t *words, uint32_t n_words, uint32_t value);

/* acc[i] += times row[i], weights of a group of four columns in the order of an image's bytes;
 * n_columns is a multiple of 4, acc and row lie on words. int16 sums are proven to fit; while they
 * are added to, both lanes of a word differ from them by the bits of dassdp_k_scatter_a16_zero. */
dassdp_scatter_fn dassdp_k_scatter_a16;
dassdp_scatter_fn dassdp_k_scatter_a32;
extern const uint32_t dassdp_k_scatter_a16_zero;
/* The same with weights in natural order, patch->tap_columns to each place of the sums. */
dassdp_scatter_fn dassdp_k_scatter_plain_a16;
dassdp_scatter_fn dassdp_k_scatter_plain_a32;
/* int16 weights in natural order, with groups or without, into int32 sums. */
dassdp_scatter_fn dassdp_k_scatter_s16;

/* The same, once for each spike of a run, which holds the first of them. */
dassdp_scatter_run_fn dassdp_k_scatter_run_a16;
dassdp_scatter_run_fn dassdp_k_scatter_run_a32;
dassdp_scatter_run_fn dassdp_k_scatter_run_plain_a16;
dassdp_scatter_run_fn dassdp_k_scatter_run_plain_a32;
dassdp_scatter_run_fn dassdp_k_scatter_run_s16;

/* touch_bits of one step: bit i is |v[i] - reset_by[i]| < touch_width[i], tail bits 0; int16 and
 * int32 membranes. fire_stride says whether neurons share reset_by and touch_width. v is
 * padded to DASSDP_COLUMNS(n_neurons). */
dassdp_touch_fn dassdp_k_touch_v16;
dassdp_touch_fn dassdp_k_touch_v32;

/* sum over i of w[j][i] err[i]: the error that flows back to presynaptic neuron j. err is padded
 * with zeros to DASSDP_COLUMNS(n_post). */
int32_t dassdp_k_feedback(const dassdp_projection_t *projection, const void *image,
                          uint32_t pre_idx, const int16_t *err);

/* The update row of all presynaptic neurons of n_spikes spikes and one latency, Q8 of a weight step:
 * k_i n g[t_i] rounded >> row_rshift, 12 to 16, proven to be within +-DASSDP_DW_MAX_Q8; g is 128 at most,
 * or NULL for 128. Returns how many entries are not zero. n_columns is a multiple of 8; dw_q8 and k lie
 * on words and do not overlap. */
uint32_t dassdp_k_update_row(uint32_t row_rshift, int16_t *dw_q8, const int16_t *k,
                             uint32_t n_columns, uint32_t n_spikes, const uint8_t *latency_post,
                             const uint8_t *g_q7);

/* The same where a spike count or a latency takes more than a byte, with k within +-k_limit. */
uint32_t dassdp_k_update_row_long(uint32_t row_rshift, int16_t *dw_q8, const int16_t *k,
                                  uint32_t n_columns, uint32_t n_spikes,
                                  const uint16_t *latency_post, const uint8_t *g_q7,
                                  int32_t k_limit);

/* The update row of one presynaptic neuron from its sums of touch traces, Q8 of a weight step:
 * k_i sums_i rounded >> row_rshift. Returns how many entries are not zero. n_columns is a multiple of
 * 8; dw_q8, k and sums lie on words and do not overlap. */
uint32_t dassdp_k_update_row_sums(uint32_t row_rshift, int16_t *dw_q8, const int16_t *k,
                                  const int16_t *sums, uint32_t n_columns);

/* The same of columns that stand anywhere: placed[i] holds k_i in its lower half and in its upper one the
 * byte offset of its entry of dw_q8; sums[i] is of the same column. Other entries stay. */
uint32_t dassdp_k_update_row_placed(uint32_t row_rshift, int16_t *dw_q8, const uint32_t *placed,
                                    const int16_t *sums, uint32_t n_columns);

/* The same as dassdp_k_update_row_sums from sums that an int16 does not hold, with k within +-k_limit. */
uint32_t dassdp_k_update_row_sums_long(uint32_t row_rshift, int16_t *dw_q8,
                                       const int16_t *k, const int32_t *sums, uint32_t n_columns,
                                       int32_t k_limit);

/* Row by row: w[j][i] = sat(w + (dw_q8[i] + u) >> 8), u a random byte: one word of xorshift32 for
 * every group of four columns of the image's row, ascending, padding included; image byte b takes
 * random byte b. |dw_q8| <= 32512. Weights of 8 bits; of 4 to 7 bits; of packed rows. */
dassdp_learn_rows_fn dassdp_k_learn_rows_s8;
dassdp_learn_rows_fn dassdp_k_learn_rows_s4;
dassdp_learn_rows_fn dassdp_k_learn_rows_p4;
/* 16-bit weights are in Q8 already: w = sat(w + dw_q8), no draw. */
dassdp_learn_rows_fn dassdp_k_learn_rows_s16;

#endif
