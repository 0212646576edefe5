/* dw[j][i] = k_i n_j g[|t_i - t_j|]. Presynaptic neurons of one latency and one spike count share the
 * update row, so they are written class by class: latencies ascend; within a latency classes come in
 * the order of their first neurons, and neurons ascend within a class. */
#include "factors.h"

/* The update of one projection. */
typedef struct {
    const dassdp_factors_t *factors;
    const dassdp_model_t *model;
    void *state;
    const dassdp_projection_t *projection;
    const dassdp_record_t *pre;
    const int16_t *k;
    const void *latency_post; /* uint8, of long samples uint16 */
    uint32_t n_columns;
    uint32_t n_tried; /* k != 0 */
    uint32_t n_left;  /* presynaptic neurons that fired, of the latencies still to be written */
    uint32_t n_grains;/* that the slice has room for: rows, and latencies sought */
    uint16_t *at;     /* where it goes on: AT_* */
} update_t;

/* Of dassdp_slices_t, `at`: what is next, its latency, the word of its first neuron; of the class at
 * hand the word to list next and rows listed already; entries that vanished; k that are not 0, rows to
 * be written. */
enum { AT_PHASE, AT_LATENCY, AT_FIRST, AT_WORD, AT_N_ROWS, AT_VANISHED, AT_TRIED, AT_LEFT };
enum { BEGIN, LIST, SEARCH, WRITE };

/* The update row that a class shares; returns how many of its entries vanished. */
static uint32_t row_of(const update_t *update, int16_t *dw_q8, uint32_t n_spikes, uint32_t latency)
{
    const dassdp_update_t *made = &update->factors->update;
    const dassdp_long_t *longs = update->factors->longs;
    const uint8_t *g_q7 =
        made->g_q7 != 0 ? made->g_q7 + (update->model->n_steps - latency) : 0;
    return update->n_tried
           - (longs != 0 ? longs->row(made, dw_q8, update->k, update->n_columns, n_spikes,
                                      update->latency_post, g_q7)
                         : dassdp_k_update_row(made->row_rshift, dw_q8, update->k,
                                               update->n_columns, n_spikes, update->latency_post,
                                               g_q7));
}

/* Writes those of the rows listed that the slice has room for; the others go to the front. */
static void pause_class(update_t *update, uint32_t word, uint32_t n_rows, uint32_t n_vanished)
{
    const uint32_t n_now = update->n_grains;
    dassdp_row_t *rows = dassdp_at(update->state, update->model->rows_off);
    dassdp_write_rows(update->model, update->state, update->projection, rows, n_now,
                      dassdp_at(update->state, update->factors->row_off), update->n_tried,
                      n_vanished);
    for (uint32_t a = n_now; a < n_rows; a++) {
        rows[a - n_now] = rows[a];
    }
    update->n_grains = 0;
    update->at[AT_WORD] = (uint16_t)word;
    update->at[AT_N_ROWS] = (uint16_t)(n_rows - n_now);
    update->at[AT_VANISHED] = (uint16_t)n_vanished;
}

/* The presynaptic neurons of one class: n_rows that are listed, and bits of `same` from a word on.
 * Returns whether the slice has room for more: it always has some when this is called. */
static int learn_class(update_t *update, const uint32_t *same, uint32_t word, uint32_t n_rows,
                       uint32_t n_vanished)
{
    const dassdp_model_t *model = update->model;
    const dassdp_projection_t *projection = update->projection;
    const uint32_t n_tried = update->n_tried;
    void *state = update->state;
    const void *image = dassdp_plastic_image(state, projection);
    dassdp_row_t *rows = dassdp_at(state, model->rows_off);
    const int16_t *dw_q8 = dassdp_at_const(state, update->factors->row_off);
    dassdp_cursor_t cursor = {.spk_bits = same + word,
                              .n_words = update->pre->n_words - word,
                              .row = dassdp_first_row(image) + 32u * word * projection->row_bytes,
                              .row_bytes = projection->row_bytes};
    while (n_rows != 0u || (n_rows = dassdp_k_rows(&cursor, rows)) != 0u) {
        if (n_rows >= update->n_grains) {
            pause_class(update, update->pre->n_words - cursor.n_words, n_rows, n_vanished);
            return 0;
        }
        update->n_grains -= n_rows;
        dassdp_write_rows(model, state, projection, rows, n_rows, dw_q8, n_tried, n_vanished);
        n_rows = 0;
    }
    return 1;
}

/* All classes of one latency, whose neurons are the bits of `words`; clears them. is_open: from the class
 * that the lesson stands at. Returns whether the slice has room for more. */
static int learn_latency(update_t *update, uint32_t *words, uint32_t latency, int is_open)
{
    const uint32_t n_words = update->pre->n_words;
    uint32_t *same = words + n_words;
    int16_t *dw_q8 = dassdp_at(update->state, update->factors->row_off);
    uint32_t first = 0, word = 0, n_rows = 0, n_vanished = 0;
    if (is_open) {
        first = update->at[AT_FIRST];
        word = update->at[AT_WORD];
        n_rows = update->at[AT_N_ROWS];
        n_vanished = update->at[AT_VANISHED];
    }
    for (; first < n_words; first++) {
        while (is_open || words[first] != 0u) {
            if (!is_open) {
                uint32_t n_spikes = dassdp_record_part(update->pre, first, words, same);
                n_vanished = row_of(update, dw_q8, n_spikes, latency);
                word = first;
                n_rows = 0;
            }
            is_open = 0;
            if (!learn_class(update, same, word, n_rows, n_vanished)) {
                update->at[AT_FIRST] = (uint16_t)first;
                return 0;
            }
        }
    }
    return 1;
}

/* Latencies of the postsynaptic neurons; 0 where k is 0, so that every difference is a step. Rows of
 * long samples see to that themselves. */
static void list_latencies(const update_t *update)
{
    void *latencies = dassdp_at(update->state, update->factors->latencies_off);
    dassdp_record_t post = dassdp_post_record(update->model, update->state, update->projection);
    const int16_t *k = update->k;
    if (update->factors->longs != 0) {
        update->factors->longs->list(post.latency, post.n, post.bits, latencies);
        return;
    }
    uint8_t *steps = latencies;
    dassdp_planes_bytes(post.latency, post.n, post.bits, steps);
    for (uint32_t i = 0; i < DASSDP_COLUMNS(post.n); i++) {
        steps[i] = k[i] == 0 ? 0 : steps[i];
    }
}

/* Bits of the neurons of one latency; of all that fired where the latency does not matter. */
static void select(const update_t *update, uint32_t latency, int is_timed, uint32_t *words)
{
    const dassdp_record_t pre = *update->pre;
    const uint32_t *planes = pre.latency;
    for (uint32_t w = 0; w < pre.n_words; w++) {
        if (is_timed) {
            words[w] = dassdp_planes_equal(planes, pre.bits, latency, 0xFFFFFFFFu);
            planes += pre.bits;
        } else {
            words[w] = dassdp_fired(&pre, w);
        }
    }
}

/* Neurons that fired. */
static uint32_t n_fired(const dassdp_record_t *pre)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < pre->n_words; w++) {
        n += dassdp_popcount(dassdp_fired(pre, w));
    }
    return n;
}

/* All latencies from the one that the lesson stands at; returns whether the slice had room for them. */
static int learn_latencies(update_t *update, uint32_t n_latencies)
{
    const int is_timed = update->factors->update.g_q7 != 0;
    uint32_t *words = dassdp_at(update->state, update->factors->classes_off);
    int is_open = update->at[AT_PHASE] == WRITE;
    uint32_t latency = update->at[AT_LATENCY];
    for (; update->n_grains != 0u && latency < n_latencies && update->n_left != 0u; latency++) {
        if (!is_open) {
            select(update, latency, is_timed, words);
            update->n_grains--;
            if (update->n_grains == 0u) {
                update->at[AT_FIRST] = 0;
                update->at[AT_WORD] = (uint16_t)update->pre->n_words;
                update->at[AT_N_ROWS] = 0;
                is_open = 1;
                break;
            }
        }
        const uint32_t n_grains = update->n_grains;
        is_open = !learn_latency(update, words, latency, is_open);
        update->n_left -= n_grains - update->n_grains;
        if (is_open) {
            break;
        }
    }
    update->at[AT_PHASE] = is_open ? WRITE : SEARCH;
    update->at[AT_LATENCY] = (uint16_t)latency;
    return update->n_left == 0u || (!is_open && latency == n_latencies);
}

void dassdp_factors_begin(dassdp_slices_t *lesson, uint32_t n_tried)
{
    lesson->n_grains--;
    lesson->at[AT_PHASE] = n_tried != 0u ? LIST : BEGIN;
    lesson->at[AT_TRIED] = (uint16_t)n_tried;
}

void dassdp_factors_write(const dassdp_factors_t *factors, const dassdp_model_t *model,
                          void *state, const dassdp_projection_t *projection)
{
    const int is_timed = factors->update.g_q7 != 0;
    dassdp_record_t pre = dassdp_pre_record(model, state, projection);
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    update_t update = {.factors = factors,
                       .model = model,
                       .state = state,
                       .projection = projection,
                       .pre = &pre,
                       .k = dassdp_at_const(state, factors->k_off),
                       .n_columns = DASSDP_COLUMNS((uint32_t)projection->n_post),
                       .n_tried = lesson->at[AT_TRIED],
                       .n_left = lesson->at[AT_LEFT],
                       .n_grains = lesson->n_grains,
                       .at = lesson->at};
    update.latency_post = dassdp_at_const(state, factors->latencies_off);
    if (lesson->at[AT_PHASE] == BEGIN) {
        return;
    }
    if (lesson->at[AT_PHASE] == LIST && update.n_grains != 0u) {
        if (is_timed) {
            list_latencies(&update);
        }
        update.n_grains--;
        update.n_left = n_fired(&pre);
        lesson->at[AT_PHASE] = SEARCH;
    }
    lesson->is_paused = lesson->at[AT_PHASE] == LIST ||
                        !learn_latencies(&update, is_timed ? model->n_steps : 1u);
    lesson->at[AT_LEFT] = (uint16_t)update.n_left;
    lesson->n_grains = update.n_grains;
}

/* Apart, so that its record lies on no stack while rows are written. */
__attribute__((noinline)) static void begin_with_errors(const dassdp_factors_t *factors,
                                                        const dassdp_model_t *model, void *state,
                                                        const dassdp_projection_t *projection)
{
    dassdp_record_t pre = dassdp_pre_record(model, state, projection);
    dassdp_factors_begin(dassdp_slices(model, state),
                         dassdp_factors_of_errors(factors, model, state, projection, &pre));
}

void dassdp_factors_learn(const dassdp_factors_t *factors, const dassdp_model_t *model,
                          void *state, const dassdp_projection_t *projection)
{
    if (dassdp_is_first(dassdp_slices(model, state))) {
        begin_with_errors(factors, model, state, projection);
    }
    dassdp_factors_write(factors, model, state, projection);
}
