/* Rules of one factor per postsynaptic neuron: k_i = clip(err_i r rounded >> k_rshift), r = min(
 * amplitude // (1 + sum n^2), r_max), the step that does not grow with activity; both finer by the same
 * bits where long samples have many spikes; dw[j][i] in Q8 of a weight step = k_i times what the rule
 * says. */
#ifndef DASSDP_FACTORS_H
#define DASSDP_FACTORS_H

#include "rules.h"

/* What an update row is made with: a synchrony window, or NULL for 1 (128), and the shift into Q8 of a
 * weight step, 12 to 16. The entry of the window n_steps + t is for t steps from the presynaptic
 * neuron's latency to the postsynaptic one's, -n_steps <= t <= n_steps. */
typedef struct {
    const uint8_t *g_q7;
    uint8_t row_rshift;
} dassdp_update_t;

/* What samples of more steps than a byte holds need. Models of shorter ones do not name it, so that
 * nothing of it is linked. */
typedef struct {
    /* A finer step where n_squared says that there are many spikes. */
    void (*refine)(uint32_t n_squared, uint32_t *amplitude, uint32_t *k_rshift);
    void (*list)(const uint32_t *planes, uint32_t n, uint32_t bits, void *values);
    /* dassdp_k_update_row of half-words */
    uint32_t (*row)(const dassdp_update_t *update, int16_t *dw_q8, const int16_t *k,
                    uint32_t n_columns, uint32_t n_spikes, const void *latency_post,
                    const uint8_t *g_q7);
} dassdp_long_t;

typedef struct {
    uint32_t amplitude;
    uint32_t r_max;
    int32_t k_max;
    uint8_t k_rshift;
    dassdp_update_t update;
    const dassdp_long_t *longs; /* NULL: a byte holds the steps */
    uint32_t k_off;         /* scratch: int16 k */
    uint32_t row_off;       /* scratch: the update row */
    uint32_t classes_off;   /* scratch: bits of the neurons of a latency, and of a class */
    uint32_t latencies_off; /* scratch: listed latencies of the postsynaptic neurons */
} dassdp_factors_t;

/* The largest k of which n_spikes times 128 is an update that rows hold: what limits k in long samples,
 * whose proof for a spike in every step would leave too little of it. */
int32_t dassdp_long_limit(const dassdp_update_t *update, uint32_t n_spikes);

/* Of dassdp_long_t. */
void dassdp_long_refine(uint32_t n_squared, uint32_t *amplitude, uint32_t *k_rshift);
uint32_t dassdp_long_row(const dassdp_update_t *update, int16_t *dw_q8, const int16_t *k,
                         uint32_t n_columns, uint32_t n_spikes, const void *latency_post,
                         const uint8_t *g_q7);

/* k of all columns, padded with zeros to DASSDP_COLUMNS(n_post), at k_off, from n_post errors, which may
 * lie there, too, and the amplitude given; returns how many are not 0. */
uint32_t dassdp_factors(const dassdp_factors_t *factors, void *state,
                        const dassdp_projection_t *projection, const dassdp_record_t *pre,
                        const int16_t *err, uint32_t amplitude);

/* The same from the errors fed back and the scheduled amplitude. */
uint32_t dassdp_factors_of_errors(const dassdp_factors_t *factors, const dassdp_model_t *model,
                                  void *state, const dassdp_projection_t *projection,
                                  const dassdp_record_t *pre);

/* Notes in the lesson that n_tried of them are not 0, and takes them for a grain. */
void dassdp_factors_begin(dassdp_slices_t *lesson, uint32_t n_tried);

/* dw[j][i] = k_i n_j g[|t_i - t_j|] in the rows of all neurons that fired, from where the lesson stands. */
void dassdp_factors_write(const dassdp_factors_t *factors, const dassdp_model_t *model,
                          void *state, const dassdp_projection_t *projection);

/* All of it: what a sample with an error teaches. */
void dassdp_factors_learn(const dassdp_factors_t *factors, const dassdp_model_t *model,
                          void *state, const dassdp_projection_t *projection);

#endif
