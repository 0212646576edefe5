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
    uint32_t n_left;  /* presynaptic neurons that fired and are still to be written */
} update_t;

/* The update row that a class shares; returns how many of its entries vanished. */
static uint32_t row_of(const update_t *update, int16_t *dw_q8, uint32_t n_spikes, uint32_t latency)
{
    const dassdp_update_t *made = &update->factors->update;
    const dassdp_long_t *longs = update->factors->longs;
    return longs != 0 ? longs->row(made, dw_q8, update->k, update->n_columns, n_spikes,
                                   update->latency_post, latency)
                      : dassdp_k_update_row(made, dw_q8, update->k, update->n_columns, n_spikes,
                                            update->latency_post, latency);
}

/* The presynaptic neurons of one class: bits of `same` from word `first` on. */
static void learn_class(update_t *update, const uint32_t *same, uint32_t first,
                        uint32_t n_spikes, uint32_t latency)
{
    const dassdp_model_t *model = update->model;
    const dassdp_projection_t *projection = update->projection;
    const uint32_t n_tried = update->n_tried;
    void *state = update->state;
    const void *image = dassdp_plastic_image(state, projection);
    dassdp_row_t *rows = dassdp_at(state, model->rows_off);
    int16_t *dw_q8 = dassdp_at(state, update->factors->row_off);
    uint32_t n_vanished = row_of(update, dw_q8, n_spikes, latency);
    dassdp_cursor_t cursor = {.spk_bits = same + first,
                              .n_words = update->pre->n_words - first,
                              .row = dassdp_first_row(image) + 32u * first * projection->row_bytes,
                              .row_bytes = projection->row_bytes};
    for (uint32_t n_rows; (n_rows = dassdp_k_rows(&cursor, rows)) != 0u;) {
        update->n_left -= n_rows;
        dassdp_write_rows(model, state, projection, rows, n_rows, dw_q8, n_tried, n_vanished);
    }
}

/* All classes of one latency, whose neurons are the bits of `words`; clears them. */
static void learn_latency(update_t *update, uint32_t *words, uint32_t latency)
{
    const uint32_t n_words = update->pre->n_words;
    uint32_t *same = words + n_words;
    for (uint32_t first = 0; first < n_words; first++) {
        while (words[first] != 0u) {
            uint32_t n_spikes = dassdp_record_part(update->pre, first, words, same);
            learn_class(update, same, first, n_spikes, latency);
        }
    }
}

/* Latencies of the postsynaptic neurons; 0 where k is 0, so that every difference is a step. Rows of
 * long samples see to that themselves. */
static const void *post_latencies(const update_t *update)
{
    void *latencies = dassdp_at(update->state, update->factors->latencies_off);
    dassdp_record_t post = dassdp_post_record(update->model, update->state, update->projection);
    const int16_t *k = update->k;
    if (update->factors->longs != 0) {
        update->factors->longs->list(post.latency, post.n, post.bits, latencies);
        return latencies;
    }
    uint8_t *steps = latencies;
    dassdp_planes_bytes(post.latency, post.n, post.bits, steps);
    for (uint32_t i = 0; i < DASSDP_COLUMNS(post.n); i++) {
        steps[i] = k[i] == 0 ? 0 : steps[i];
    }
    return latencies;
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

void dassdp_factors_write(const dassdp_factors_t *factors, const dassdp_model_t *model,
                          void *state, const dassdp_projection_t *projection,
                          const dassdp_record_t *pre, uint32_t n_tried)
{
    const int is_timed = factors->update.g_q7 != 0;
    update_t update = {.factors = factors,
                       .model = model,
                       .state = state,
                       .projection = projection,
                       .pre = pre,
                       .k = dassdp_at_const(state, factors->k_off),
                       .n_columns = DASSDP_COLUMNS((uint32_t)projection->n_post),
                       .n_tried = n_tried};
    if (n_tried == 0u) {
        return;
    }
    if (is_timed) {
        update.latency_post = post_latencies(&update);
    }
    uint32_t *words = dassdp_at(state, factors->classes_off);
    uint32_t n_latencies = is_timed ? model->n_steps : 1u;
    for (uint32_t w = 0; w < pre->n_words; w++) {
        update.n_left += dassdp_popcount(dassdp_fired(pre, w));
    }
    for (uint32_t latency = 0; latency < n_latencies && update.n_left != 0u; latency++) {
        select(&update, latency, is_timed, words);
        learn_latency(&update, words, latency);
    }
}

void dassdp_factors_learn(const dassdp_factors_t *factors, const dassdp_model_t *model,
                          void *state, const dassdp_projection_t *projection)
{
    dassdp_record_t pre = dassdp_pre_record(model, state, projection);
    uint32_t n_tried = dassdp_factors_of_errors(factors, model, state, projection, &pre);
    dassdp_factors_write(factors, model, state, projection, &pre, n_tried);
}
