/* SSDP and DA-SSDP: when the batch is full, one update from all its slots. */
#ifndef DASSDP_SYNC_H
#define DASSDP_SYNC_H

#include "rules.h"

typedef struct {
    const int32_t *delta;  /* update / batch, Q8 of a weight step after >> (12 + delta_rshift): n_steps + 1
                              entries for sync = 0, then as many for sync = 1 */
    uint8_t delta_rshift;
    uint8_t is_gated;
    uint16_t silent_step;  /* the latency of a silent neuron: n_steps, or 0 as published */
    uint8_t repeat_loss;   /* as published: every sample of a batch is given the batch's mean loss */
    uint8_t sync_rshift;   /* S is recorded as (n_pre n_post) >> sync_rshift */
    uint32_t gate_off;     /* dassdp_gate_t */
    uint32_t sums_off;     /* scratch: int32 sums of the batch */
    uint32_t row_off;      /* scratch: the update row */
    uint32_t latencies_off;/* scratch: listed latencies of the postsynaptic neurons */
    uint32_t gates_off;    /* scratch: uint16 gates of the batch */
} dassdp_sync_rule_t;

/* Warm-up sums and the dopamine gate fitted to them. L is the loss in Q8 bits. */
typedef struct {
    uint64_t sum_ss, sum_ll, sum_sl; /* below 2^60: at most 32767 records of 15 bits each */
    uint32_t sum_s, sum_l;
    uint32_t root_s;       /* isqrt(n sum_ss - sum_s^2), set by the fit */
    int32_t k_q12;         /* -correlation of S and L, set by the fit */
    uint16_t n_records;
    uint16_t last_gate_q12;/* 0 to 8192 */
    uint32_t reserved;
} dassdp_gate_t;

dassdp_rule_fn dassdp_sync_learn;
/* Adds the batch's (S, L) pairs; fixes the statistics. */
dassdp_rule_fn dassdp_sync_record;
dassdp_rule_fn dassdp_sync_fit;
int dassdp_sync_check(const dassdp_model_t *model, const void *state,
                      const dassdp_projection_t *projection);

#endif
