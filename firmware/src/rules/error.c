/* Error-modulated synchrony and the readout delta rule: dw[j][i] = k_i n_j g[|t_i - t_j|].
 * Presynaptic neurons of one latency and one spike count share the update row, so they are written
 * class by class: latencies ascend; within a latency classes come in the order of their first
 * neurons, and neurons ascend within a class. */
#include "kernels.h"
#include "rules.h"
#include "state.h"

/* The update of one projection. */
typedef struct {
    const dassdp_model_t *model;
    void *state;
    const dassdp_projection_t *projection;
    dassdp_record_t pre;
    const int16_t *k;
    const uint8_t *latency_post;
    uint32_t n_columns;
    uint32_t n_tried; /* k != 0 */
    uint32_t n_left;  /* presynaptic neurons that fired and are still to be written */
} update_t;

/* The presynaptic neurons of one class: bits of `same` from word `first` on. */
static void learn_class(update_t *update, const uint32_t *same, uint32_t first,
                        uint32_t n_spikes, uint32_t latency)
{
    const dassdp_model_t *model = update->model;
    const dassdp_projection_t *projection = update->projection;
    dassdp_learning_t *learning = dassdp_learning(model, update->state);
    void *image = dassdp_at(update->state, (uint32_t)projection->image_off);
    dassdp_row_t *rows = dassdp_at(update->state, model->rows_off);
    int16_t *dw_q8 = dassdp_at(update->state, model->row_off);
    uint32_t n_vanished = dassdp_k_update_row(projection->error_rule, dw_q8, update->k,
                                              update->n_columns, n_spikes, update->latency_post,
                                              latency);
    dassdp_cursor_t cursor = {.spk_bits = same + first,
                              .n_words = update->pre.n_words - first,
                              .row = dassdp_first_row(image) + 32u * first * projection->row_bytes,
                              .row_bytes = projection->row_bytes};
    for (uint32_t n_rows; (n_rows = dassdp_k_rows(&cursor, rows)) != 0u;) {
        update->n_left -= n_rows;
        learning->n_updates += n_rows * update->n_tried;
        learning->n_vanished += n_rows * n_vanished;
        if (n_vanished != update->n_tried) {
            projection->learn_rows(projection, rows, n_rows, dw_q8, &learning->rng, image);
        }
    }
}

/* All classes of one latency, whose neurons are the bits of `words`; clears them. */
static void learn_latency(update_t *update, uint32_t *words, uint32_t latency)
{
    const uint32_t bits = update->pre.bits;
    const uint32_t n_words = update->pre.n_words;
    uint32_t *same = words + n_words;
    for (uint32_t first = 0; first < n_words; first++) {
        while (words[first] != 0u) {
            const uint32_t *planes = update->pre.count + first * bits;
            uint32_t neuron = words[first] & (~words[first] + 1u);
            uint32_t n_spikes = 0;
            for (uint32_t b = bits; b-- > 0u;) {
                n_spikes += n_spikes + (uint32_t)((planes[b] & neuron) != 0u);
            }
            for (uint32_t w = first; w < n_words; w++, planes += bits) {
                same[w] = dassdp_planes_equal(planes, bits, n_spikes, words[w]);
                words[w] ^= same[w];
            }
            learn_class(update, same, first, n_spikes, latency);
        }
    }
}

/* Latencies of the postsynaptic neurons; 0 where k is 0, so that every difference is a step. */
static const uint8_t *post_latencies(const dassdp_model_t *model, void *state,
                                     const dassdp_projection_t *projection, const int16_t *k)
{
    uint8_t *latencies = dassdp_at(state, model->bytes_off);
    dassdp_record_t post = dassdp_record(model, state, &model->populations[projection->post],
                                         dassdp_learning(model, state)->batch_idx);
    dassdp_planes_bytes(post.latency, post.n, post.bits, latencies);
    for (uint32_t i = 0; i < DASSDP_COLUMNS(post.n); i++) {
        latencies[i] = k[i] == 0 ? 0 : latencies[i];
    }
    return latencies;
}

int dassdp_rule_error(const dassdp_model_t *model, void *state,
                      const dassdp_projection_t *projection)
{
    const dassdp_error_rule_t *rule = projection->error_rule;
    int16_t *k = dassdp_at(state, model->sums_off);
    update_t update = {.model = model,
                       .state = state,
                       .projection = projection,
                       .pre = dassdp_record(model, state, &model->populations[projection->pre],
                                            dassdp_learning(model, state)->batch_idx),
                       .k = k,
                       .n_columns = DASSDP_COLUMNS((uint32_t)projection->n_post)};
    update.n_tried = dassdp_error_factors(model, state, projection, &update.pre, k);
    if (update.n_tried == 0u) {
        return DASSDP_OK;
    }
    if (rule->g_q7 != 0) {
        update.latency_post = post_latencies(model, state, projection, k);
    }
    uint32_t *words = dassdp_at(state, model->classes_off);
    uint32_t n_latencies = rule->g_q7 != 0 ? model->n_steps : 1u;
    for (uint32_t w = 0; w < update.pre.n_words; w++) {
        update.n_left += dassdp_popcount(dassdp_fired(&update.pre, w));
    }
    for (uint32_t latency = 0; latency < n_latencies && update.n_left != 0u; latency++) {
        const uint32_t *planes = update.pre.latency;
        for (uint32_t w = 0; w < update.pre.n_words; w++) {
            words[w] = rule->g_q7 == 0
                           ? dassdp_fired(&update.pre, w)
                           : dassdp_planes_equal(planes + w * update.pre.bits, update.pre.bits,
                                                 latency, 0xFFFFFFFFu);
        }
        learn_latency(&update, words, latency);
    }
    return DASSDP_OK;
}
