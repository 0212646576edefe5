/* Kernels: the same symbols in every kernel folder; the build picks the file. The portable C is
 * their specification. */
#ifndef DASSDP_KERNELS_H
#define DASSDP_KERNELS_H

#include "dassdp.h"

/* Image byte k of a group of four columns holds column DASSDP_LANE(k): n0, n2, n1, n3. */
#define DASSDP_LANE(k) ((((k) & 1u) << 1) | (((k) & 2u) >> 1))

/* Columns of a weight image, a row of sums or an update row: n and its padding. */
#define DASSDP_COLUMNS(n) (((n) + 7u) & ~7u)

/* Indices of the set bits, ascending, into `active`; returns how many. */
uint32_t dassdp_k_active(const uint32_t *spk_bits, uint32_t n_neurons, uint16_t *active);

/* acc[i] += sum over j of x[j] w[j][i], natural order of i, row_bytes sums. */
void dassdp_k_analogue_s8(const dassdp_projection_t *projection, int32_t *acc, const int8_t *x);

dassdp_accumulate_fn dassdp_k_accumulate_s8_a16;
dassdp_accumulate_fn dassdp_k_accumulate_s8_a32;
dassdp_accumulate_fn dassdp_k_accumulate_s16_a32;

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

/* sum over i of w[j][i] err[i]: the error that flows back to presynaptic neuron j. */
int32_t dassdp_k_feedback(const dassdp_projection_t *projection, const void *image,
                          uint32_t pre_idx, const int16_t *err);

/* The update row of one presynaptic neuron, Q8 of a weight step: k_i n_j g[|t_i - t_j|] rounded
 * >> row_rshift; g is 1 (128) where g_q7 is NULL. Returns how many entries with k_i != 0 became zero. */
uint32_t dassdp_k_update_row(const dassdp_error_rule_t *rule, int16_t *dw_q8, const int16_t *k,
                             uint32_t n_post, uint32_t n_spikes, const uint8_t *latency_post,
                             uint32_t latency_pre);

/* w[j][i] = sat(w + (dw_q8[i] + u) >> 8), u a random byte: one random word for every group of four
 * columns with any k != 0 (every group where k is NULL), image byte b takes random byte b.
 * 16-bit weights are in Q8 already: w = sat(w + dw_q8), no draw. Returns how many were clipped. */
uint32_t dassdp_k_learn_row(const dassdp_projection_t *projection, void *image, uint32_t pre_idx,
                            const int16_t *dw_q8, const int16_t *k, uint32_t *rng);

#endif
