/* Error-modulated touch: dw[j][i] = k_i G_ji, G the sum over the steps of j's spikes of the trace
 * F_i[t] = (3/4) F_i[t+1] + 31 M_i[t], M_i[t] = 1 where neuron i came near its threshold. Traces are
 * kept as rows of biased bytes, so that G is what the rows of j's spikes add up to. */
#include "touch.h"

enum {
    TRACE_BITS = 8,
    GROUP = 256,  /* steps whose traces, each at most 4 DASSDP_TOUCH, an int16 sums */
    PLACES = 1 << 15 /* columns that 16 bits hold twice the index of */
};
#define TRACE_BIAS 0x80808080u
/* Of dassdp_slices_t, `at`: what is next, the block's first column, and a group of columns, or the word
 * and the bit of a neuron. */
enum { AT_PHASE, AT_FIRST, AT_ITEM, AT_BIT };
enum { BEGIN, BLOCK, TRACE, WORD, ROWS };

/* A block of columns of one projection, and those of them that traces are held for: those alone whose k is
 * not 0, padded with one whose k is, where that leaves room behind the traces for what it takes; or all. */
typedef struct {
    const dassdp_touch_rule_t *rule;
    const dassdp_model_t *model;
    void *state;
    const dassdp_projection_t *projection;
    dassdp_record_t pre;
    const int16_t *k;    /* of all */
    const uint32_t *placed; /* columns that have traces, as dassdp_k_update_row_placed takes them; NULL: all */
    int16_t *dw_q8;      /* the update row */
    dassdp_row_t row;    /* of the first presynaptic neuron, from the block's first column on */
    uint32_t first;      /* column */
    uint32_t n_columns;
    uint32_t n_tried;    /* k != 0 */
    dassdp_projection_t columns; /* the block of the projection */
    dassdp_projection_t traces;  /* traces as its weights */
} block_t;

/* Traces of four columns, from the last step on. */
static void trace_four(const block_t *block, const uint32_t *touches, uint32_t n_words,
                       uint32_t group, uint32_t *traces)
{
    const uint32_t row_words = block->traces.row_bytes >> 2;
    const uint32_t shift = (block->first + 4u * group) & 31u;
    const uint32_t *bits = touches + ((block->first + 4u * group) >> 5);
    const uint32_t n_steps = block->model->n_steps;
    uint32_t *at = traces + n_steps * row_words + group;
    uint32_t f = 0;
    for (uint32_t off = n_steps * n_words; off != 0u;) {
        off -= n_words;
        at -= row_words;
        /* bits 0 2 1 3 to bytes 0 1 2 3: of the products of bits, no two meet */
        uint32_t touched = (((bits[off] >> shift) & 15u) * 0x00208041u) & 0x01010101u;
        f = f - ((f >> 2) & 0x1F1F1F1Fu) + touched * DASSDP_TOUCH;
        *at = f | TRACE_BIAS;
    }
}

/* A column's bits of touches, and how far a word turns right until its bit is bit 0 of a byte. */
static const uint32_t *bits_of(const block_t *block, const uint32_t *touches, uint32_t placed,
                               uint32_t byte, uint32_t *turn)
{
    const uint32_t column = block->first + (placed >> 17);
    *turn = (column - 8u * byte) & 31u;
    return touches + (column >> 5);
}

static inline uint32_t turned(uint32_t word, uint32_t turn)
{
    return (word >> turn) | (word << (-turn & 31u));
}

/* The same of columns that stand anywhere. */
static void trace_placed(const block_t *block, const uint32_t *touches, uint32_t n_words,
                         uint32_t group, uint32_t *traces)
{
    const uint32_t *placed = block->placed + 4u * group;
    const uint32_t row_words = block->traces.row_bytes >> 2;
    const uint32_t n_steps = block->model->n_steps;
    uint32_t turn0, turn1, turn2, turn3;
    const uint32_t *bits0 = bits_of(block, touches, placed[DASSDP_LANE(0u)], 0, &turn0);
    const uint32_t *bits1 = bits_of(block, touches, placed[DASSDP_LANE(1u)], 1, &turn1);
    const uint32_t *bits2 = bits_of(block, touches, placed[DASSDP_LANE(2u)], 2, &turn2);
    const uint32_t *bits3 = bits_of(block, touches, placed[DASSDP_LANE(3u)], 3, &turn3);
    uint32_t *at = traces + n_steps * row_words + group;
    uint32_t f = 0;
    for (uint32_t off = n_steps * n_words; off != 0u;) {
        off -= n_words;
        at -= row_words;
        uint32_t touched =
            (turned(bits0[off], turn0) & 1u) | (turned(bits1[off], turn1) & 0x100u)
            | (turned(bits2[off], turn2) & 0x10000u) | (turned(bits3[off], turn3) & 0x1000000u);
        f = f - ((f >> 2) & 0x1F1F1F1Fu) + touched * DASSDP_TOUCH;
        *at = f | TRACE_BIAS;
    }
}

/* Rows of traces, image bytes in the order of lanes, n0 n2 n1 n3. From the group of columns that the
 * lesson stands at; returns whether the slice had room for all. */
static int trace(const block_t *block, dassdp_slices_t *lesson)
{
    const dassdp_population_t *post = dassdp_post(block->model, block->projection);
    const uint32_t *touches = dassdp_touches(block->state, post);
    const uint32_t n_words = DASSDP_WORDS((uint32_t)post->n_neurons);
    uint32_t *traces = dassdp_at(block->state, block->rule->traces_off);
    for (uint32_t group = lesson->at[AT_ITEM]; group < block->traces.row_bytes >> 2; group++) {
        if (lesson->n_grains == 0u) {
            lesson->at[AT_ITEM] = (uint16_t)group;
            return 0;
        }
        lesson->n_grains--;
        (block->placed != 0 ? trace_placed : trace_four)(block, touches, n_words, group, traces);
    }
    return 1;
}

/* Bits of b that are `half` places above those of a, which `low` selects, change places with these. */
static inline void swap(uint32_t *a, uint32_t *b, uint32_t half, uint32_t low)
{
    const uint32_t swapped = ((*a >> half) ^ *b) & low;
    *a ^= swapped << half;
    *b ^= swapped;
}

/* Of four words that lie 2^n apart: bits 2 half apart, then half. */
static inline void swap_four(uint32_t *words, uint32_t half, uint32_t low_2, uint32_t low)
{
    for (uint32_t i = 0; i < 32u; i = ((i | 3u * half) + 1u) & ~(3u * half)) {
        uint32_t *at = words + i;
        uint32_t w0 = at[0], w1 = at[half], w2 = at[2u * half], w3 = at[3u * half];
        swap(&w0, &w2, 2u * half, low_2);
        swap(&w1, &w3, 2u * half, low_2);
        swap(&w0, &w1, half, low);
        swap(&w2, &w3, half, low);
        at[0] = w0;
        at[half] = w1;
        at[2u * half] = w2;
        at[3u * half] = w3;
    }
}

/* 32 by 32 bits: bit j of word i changes places with bit i of word j. */
static void transpose(uint32_t *words)
{
    swap_four(words, 8, 0x0000FFFFu, 0x00FF00FFu);
    swap_four(words, 2, 0x0F0F0F0Fu, 0x33333333u);
    for (uint32_t i = 0; i < 32u; i += 2u) {
        swap(words + i, words + i + 1u, 1, 0x55555555u);
    }
}

/* The steps in which each of 32 presynaptic neurons fired: bit t & 31 of word 32 (t >> 5) + neuron. */
static void spike_steps(const block_t *block, uint32_t word_idx)
{
    const dassdp_model_t *model = block->model;
    const uint32_t *raster =
        dassdp_raster(block->state, dassdp_pre(model, block->projection));
    uint32_t *steps = dassdp_at(block->state, block->rule->steps_off);
    const uint32_t n_slots = DASSDP_WORDS((uint32_t)model->n_steps) * 32u;
    raster += word_idx;
    for (uint32_t t_step = 0; t_step < model->n_steps; t_step++, raster += block->pre.n_words) {
        steps[t_step] = *raster;
    }
    for (uint32_t t_step = model->n_steps; t_step < n_slots; t_step++) {
        steps[t_step] = 0;
    }
    for (uint32_t first = 0; first < n_slots; first += 32u) {
        transpose(steps + first);
    }
}

/* Sums the rows of traces of the steps from `first` to `end` in which one presynaptic neuron fired;
 * returns whether it did. */
static inline __attribute__((always_inline)) uint32_t
sum_traces(const block_t *block, const uint32_t *steps, uint32_t first, uint32_t end, int16_t *sums)
{
    const void *traces = dassdp_at_const(block->state, block->rule->traces_off);
    dassdp_row_t *rows = dassdp_at(block->state, block->model->rows_off);
    const uint32_t row_bytes = block->traces.row_bytes;
    uint32_t adds = 0;
    for (; first < end; first += 32u) {
        dassdp_cursor_t cursor = {.spk_bits = steps + first,
                                  .n_words = 1,
                                  .row = dassdp_first_row(traces) + first * row_bytes,
                                  .row_bytes = row_bytes};
        uint32_t n_rows = dassdp_k_rows(&cursor, rows);
        if (n_rows != 0u) {
            dassdp_k_accumulate_s8(&block->traces, sums, rows, n_rows, adds, traces);
            adds = 1;
        }
    }
    return adds;
}

/* The update row of long samples, whose G an int16 does not hold; returns how many of its entries are not
 * zero. Apart, so that the usual way has few values to keep. */
__attribute__((noinline)) static uint32_t long_row(const block_t *block, uint32_t pre_idx,
                                                   const uint32_t *steps, int16_t *sums)
{
    const dassdp_update_t *made = &block->rule->factors.update;
    const uint32_t n_steps = block->model->n_steps, n_columns = block->traces.row_bytes;
    const uint32_t n_spikes = dassdp_plane_value(block->pre.count, block->pre.bits, pre_idx);
    int32_t *all = (int32_t *)(void *)(sums + n_columns);
    memset(all, 0, n_columns * sizeof *all);
    for (uint32_t first = 0; first < n_steps; first += GROUP) {
        uint32_t end = n_steps - first < GROUP ? n_steps : first + GROUP;
        if (sum_traces(block, steps, first, end, sums) != 0u) {
            for (uint32_t i = 0; i < n_columns; i++) {
                all[i] += sums[i];
            }
        }
    }
    return dassdp_k_update_row_sums_long(made->row_rshift, block->dw_q8, block->k, all, n_columns,
                                         dassdp_long_limit(made, n_spikes));
}

/* The same of other samples. */
__attribute__((noinline)) static uint32_t update_row(const block_t *block, const uint32_t *steps,
                                                     int16_t *sums)
{
    const uint32_t rshift = block->rule->factors.update.row_rshift;
    const uint32_t n_columns = block->traces.row_bytes;
    (void)sum_traces(block, steps, 0, block->model->n_steps, sums);
    return block->placed != 0
               ? dassdp_k_update_row_placed(rshift, block->dw_q8, block->placed, sums, n_columns)
               : dassdp_k_update_row_sums(rshift, block->dw_q8, block->k, sums, n_columns);
}

/* The update row from G, all the traces of one presynaptic neuron, into the block's columns of its row. */
static void learn_row(const block_t *block, uint32_t pre_idx, const uint32_t *steps)
{
    const dassdp_row_t row = block->row + pre_idx * block->projection->row_bytes;
    int16_t *sums = dassdp_at(block->state, block->rule->touches_off);
    const uint32_t n_moved = block->pre.bits > DASSDP_BYTE_BITS
                                 ? long_row(block, pre_idx, steps, sums)
                                 : update_row(block, steps, sums);
    dassdp_write_rows(block->model, block->state, &block->columns, &row, 1, block->dw_q8,
                      block->n_tried, block->n_tried - n_moved);
}

/* Rows of the neurons of a word, from the one that the lesson stands at; returns whether the slice had
 * room for them. */
static int learn_rows(const block_t *block, dassdp_slices_t *lesson, uint32_t word_idx,
                      const uint32_t *steps)
{
    const uint32_t fired = dassdp_fired(&block->pre, word_idx);
    uint32_t bit = lesson->at[AT_BIT];
    for (uint32_t left = bit < 32u ? fired >> bit : 0u; left != 0u; left >>= 1, bit++) {
        if ((left & 1u) != 0u) {
            if (lesson->n_grains == 0u) {
                lesson->at[AT_BIT] = (uint16_t)bit;
                return 0;
            }
            lesson->n_grains--;
            learn_row(block, 32u * word_idx + bit, steps + bit);
        }
    }
    return 1;
}

/* A word of neurons: their steps, then their rows. */
static int learn_word(const block_t *block, dassdp_slices_t *lesson, uint32_t word_idx)
{
    if (lesson->at[AT_PHASE] == WORD) {
        if (dassdp_fired(&block->pre, word_idx) == 0u) {
            return 1;
        }
        if (lesson->n_grains == 0u) {
            return 0;
        }
        lesson->n_grains--;
        spike_steps(block, word_idx);
        lesson->at[AT_PHASE] = ROWS;
        lesson->at[AT_BIT] = 0;
    }
    const uint32_t *steps = dassdp_at_const(block->state, block->rule->steps_off);
    if (!learn_rows(block, lesson, word_idx, steps)) {
        return 0;
    }
    lesson->at[AT_PHASE] = WORD;
    return 1;
}

static int learn_block(const block_t *block, dassdp_slices_t *lesson)
{
    if (lesson->at[AT_PHASE] == TRACE) {
        if (!trace(block, lesson)) {
            return 0;
        }
        lesson->at[AT_PHASE] = WORD;
        lesson->at[AT_ITEM] = 0;
    }
    for (uint32_t w = lesson->at[AT_ITEM]; w < block->pre.n_words; w++) {
        if (!learn_word(block, lesson, w)) {
            lesson->at[AT_ITEM] = (uint16_t)w;
            return 0;
        }
    }
    return 1;
}

/* Where the columns that have traces are named, behind the traces of n_traced of them. */
static uint32_t *placed_of(const block_t *block, uint32_t n_traced)
{
    return dassdp_at(block->state, block->rule->traces_off + block->model->n_steps * n_traced);
}

/* Its columns, and which of them have traces. */
static void begin_block(block_t *block, uint32_t first)
{
    const dassdp_projection_t *projection = block->projection;
    const uint32_t n_left = DASSDP_COLUMNS((uint32_t)projection->n_post) - first;
    const uint32_t n_columns = n_left < block->rule->columns ? n_left : block->rule->columns;
    const int16_t *k = (const int16_t *)dassdp_at_const(block->state, block->rule->factors.k_off) + first;
    uint32_t n_tried = 0;
    for (uint32_t i = 0; i < n_columns; i++) {
        n_tried += (uint32_t)(k[i] != 0);
    }
    const uint32_t n_least = DASSDP_COLUMNS(n_tried);
    const int is_placed = block->pre.bits <= DASSDP_BYTE_BITS && n_columns <= PLACES &&
                          n_least * sizeof *block->placed
                              <= block->model->n_steps * (n_columns - n_least);
    block->row = dassdp_first_row(dassdp_plastic_image(block->state, projection))
                 + dassdp_columns_bytes(projection, first);
    block->first = first;
    block->n_columns = n_columns;
    block->n_tried = n_tried;
    block->k = k;
    block->placed = is_placed ? placed_of(block, n_least) : 0;
    block->columns.n_post = (uint16_t)n_columns;
    block->columns.row_bytes = dassdp_columns_bytes(projection, n_columns);
    block->traces.row_bytes = is_placed ? n_least : n_columns;
    block->traces.n_post = (uint16_t)block->traces.row_bytes;
}

/* Names the columns that have traces. The others' updates are 0. */
static void place(const block_t *block)
{
    const uint32_t n_traced = block->traces.row_bytes;
    uint32_t *placed = placed_of(block, n_traced);
    uint32_t n = 0, without = 0;
    for (uint32_t i = 0; i < block->n_columns; i++) {
        const uint32_t at = i << 17 | (uint16_t)block->k[i];
        if (block->k[i] != 0) {
            placed[n++] = at;
        } else {
            without = at;
        }
    }
    for (; n < n_traced; n++) {
        placed[n] = without;
    }
    memset(block->dw_q8, 0, block->n_columns * sizeof *block->dw_q8);
}

static void learn_blocks(block_t *block, dassdp_slices_t *lesson)
{
    const uint32_t n_columns = DASSDP_COLUMNS((uint32_t)block->projection->n_post);
    for (uint32_t first = lesson->at[AT_FIRST]; first < n_columns; first += block->rule->columns) {
        begin_block(block, first);
        if (block->n_tried == 0u) {
            continue;
        }
        if (lesson->at[AT_PHASE] == BLOCK) {
            if (block->placed != 0) {
                place(block);
            }
            lesson->at[AT_PHASE] = TRACE;
            lesson->at[AT_ITEM] = 0;
        }
        if (!learn_block(block, lesson)) {
            lesson->at[AT_FIRST] = (uint16_t)first;
            lesson->is_paused = 1;
            return;
        }
        lesson->at[AT_PHASE] = BLOCK;
    }
}

void dassdp_touch_learn(const dassdp_model_t *model, void *state,
                        const dassdp_projection_t *projection)
{
    const dassdp_touch_rule_t *rule = dassdp_constants(projection);
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    block_t block = {.rule = rule,
                     .model = model,
                     .state = state,
                     .projection = projection,
                     .pre = dassdp_pre_record(model, state, projection),
                     .dw_q8 = dassdp_at(state, rule->factors.row_off),
                     .columns = *projection,
                     .traces = {.weight_bits = TRACE_BITS, .n_pre = model->n_steps}};
    if (dassdp_is_first(lesson)) {
        lesson->n_grains--;
        if (dassdp_factors_of_errors(&rule->factors, model, state, projection, &block.pre) == 0u) {
            return;
        }
        lesson->at[AT_PHASE] = BLOCK;
    }
    learn_blocks(&block, lesson);
}
