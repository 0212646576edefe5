/* SSDP and DA-SSDP: dw = mean over the batch of gate_b delta[sync][|t_i - t_j|].
 * Gate: G = clamp(1 + k (S - mu) / sigma_S, 0, 2), k = -corr(S, L) of the warm-up records;
 * S = n_pre n_post counts the synchronous pairs, L is the loss. */
#include "sync.h"

enum { ONE_Q12 = DASSDP_GATE_ONE_Q12, MAX_LOSS_Q8 = DASSDP_LOSS_MAX_Q8 }; /* S is as small, too */
/* Of dassdp_lesson_t, `at`: 1 and the row; the sample of the batch. */
enum { AT_ROW, AT_SLOT };

/* floor(sqrt(x)) */
static uint32_t isqrt_u64(uint64_t x)
{
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 62; bit != 0u; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

static uint32_t n_fired(const dassdp_record_t *record)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < record->n_words; w++) {
        n += dassdp_popcount(dassdp_fired(record, w));
    }
    return n;
}

static uint32_t synchrony(const dassdp_model_t *model, void *state,
                          const dassdp_projection_t *projection, uint32_t slot)
{
    const dassdp_sync_rule_t *rule = dassdp_constants(projection);
    dassdp_record_t pre = dassdp_record(model, state, dassdp_pre(model, projection), slot);
    dassdp_record_t post = dassdp_record(model, state, dassdp_post(model, projection), slot);
    return (n_fired(&pre) * n_fired(&post)) >> rule->sync_rshift;
}

static dassdp_gate_t *gate_of(void *state, const dassdp_projection_t *projection)
{
    const dassdp_sync_rule_t *rule = dassdp_constants(projection);
    return dassdp_at(state, rule->gate_off);
}

void dassdp_sync_record(const dassdp_model_t *model, void *state,
                        const dassdp_projection_t *projection)
{
    const dassdp_sync_rule_t *rule = dassdp_constants(projection);
    const uint16_t *loss_q8 = dassdp_losses(model, state);
    dassdp_gate_t *gate = gate_of(state, projection);
    uint32_t n_samples = dassdp_batch_size(model, state);
    uint32_t sum = 0;
    for (uint32_t b = 0; b < n_samples; b++) {
        sum += loss_q8[b];
    }
    uint32_t mean = (sum + n_samples / 2u) / n_samples;
    for (uint32_t b = 0; b < n_samples && gate->n_records < DASSDP_GATE_RECORDS_MAX; b++) {
        uint32_t s = synchrony(model, state, projection, b);
        uint32_t l = rule->repeat_loss != 0u ? mean : loss_q8[b];
        gate->sum_s += s;
        gate->sum_l += l;
        gate->sum_ss += s * s;
        gate->sum_ll += l * l;
        gate->sum_sl += s * l;
        gate->n_records++;
    }
}

void dassdp_sync_fit(const dassdp_model_t *model, void *state,
                     const dassdp_projection_t *projection)
{
    dassdp_gate_t *gate = gate_of(state, projection);
    (void)model;
    uint64_t n = gate->n_records;
    uint64_t sum_s = gate->sum_s;
    uint64_t sum_l = gate->sum_l;
    uint32_t root_s = isqrt_u64(n * gate->sum_ss - sum_s * sum_s);
    uint32_t root_l = isqrt_u64(n * gate->sum_ll - sum_l * sum_l);
    gate->root_s = root_s;
    gate->k_q12 = 0;
    if (root_s == 0u || root_l == 0u) {
        return;
    }
    int64_t covariance = (int64_t)(n * gate->sum_sl) - (int64_t)(sum_s * sum_l);
    int64_t deviations = (int64_t)root_s * (int64_t)root_l;
    while (deviations >= (int64_t)1 << 48) {
        deviations >>= 1;
        covariance >>= 1;
    }
    gate->k_q12 = dassdp_clip_s32(
        dassdp_narrow_s32(dassdp_div_round_s64(-covariance * ONE_Q12, deviations)), -ONE_Q12,
        ONE_Q12);
}

/* |cov(S, L)| <= deviation(S) deviation(L), as for sums of real records; it bounds the fit. */
static int is_correlation(const dassdp_gate_t *gate)
{
    uint64_t n = gate->n_records;
    uint64_t sum_s = gate->sum_s;
    uint64_t sum_l = gate->sum_l;
    uint64_t together = n * gate->sum_sl;
    uint64_t apart = sum_s * sum_l;
    uint64_t bound = ((uint64_t)isqrt_u64(n * gate->sum_ss - sum_s * sum_s) + 1u) *
                     ((uint64_t)isqrt_u64(n * gate->sum_ll - sum_l * sum_l) + 1u);
    return (together > apart ? together - apart : apart - together) <= bound;
}

int dassdp_sync_check(const dassdp_model_t *model, const void *state,
                      const dassdp_projection_t *projection)
{
    const dassdp_sync_rule_t *rule = dassdp_constants(projection);
    const dassdp_gate_t *gate = dassdp_at_const(state, rule->gate_off);
    (void)model;
    uint64_t n = gate->n_records;
    uint64_t sum_s = gate->sum_s;
    uint64_t sum_l = gate->sum_l;
    uint64_t bound = n * MAX_LOSS_Q8;
    uint64_t bound_squared = bound * MAX_LOSS_Q8;
    int fits = n <= DASSDP_GATE_RECORDS_MAX && sum_s <= bound && sum_l <= bound &&
               gate->sum_ss <= bound_squared && gate->sum_ll <= bound_squared &&
               gate->sum_sl <= bound_squared && n * gate->sum_ss >= sum_s * sum_s &&
               n * gate->sum_ll >= sum_l * sum_l && is_correlation(gate) && gate->k_q12 >= -ONE_Q12 &&
               gate->k_q12 <= ONE_Q12;
    return fits ? DASSDP_OK : DASSDP_E_VALUE;
}

static uint32_t gate_q12(const dassdp_gate_t *gate, uint32_t s)
{
    if (gate->root_s == 0u) {
        return ONE_Q12;
    }
    int64_t deviation = (int64_t)gate->n_records * s - gate->sum_s;
    int64_t g = ONE_Q12 + dassdp_div_round_s64(gate->k_q12 * deviation, gate->root_s);
    return g < 0 ? 0u : (g > 2 * ONE_Q12 ? 2u * ONE_Q12 : (uint32_t)g);
}

/* What is no step, the silent mark first of all, stands for the rule's silent step. */
static uint32_t step_of(uint32_t latency, const dassdp_model_t *model,
                        const dassdp_sync_rule_t *rule)
{
    return latency >= model->n_steps ? rule->silent_step : latency;
}

/* One presynaptic neuron in one sample of the batch. */
typedef struct {
    const dassdp_model_t *model;
    const dassdp_sync_rule_t *rule;
    dassdp_record_t post;
    const void *latencies; /* of `post`, listed */
    uint32_t t_pre;
    uint32_t fired;        /* 1 if it did */
    int32_t gate;
} row_t;

/* sum[i] += gate delta[sync][dt]. is_long, a constant: latencies are half-words. */
static inline __attribute__((always_inline)) void add_row(const row_t *row, int is_long,
                                                          int32_t *sum)
{
    const dassdp_sync_rule_t *rule = row->rule;
    const uint32_t n_entries = row->model->n_steps + 1u;
    const uint32_t t_pre = row->t_pre;
    uint32_t fired = 0;
    for (uint32_t i = 0; i < row->post.n; i++, fired >>= 1) {
        if ((i & 31u) == 0u) {
            fired = row->fired != 0u ? dassdp_fired(&row->post, i >> 5) : 0u;
        }
        uint32_t latency = is_long ? ((const uint16_t *)row->latencies)[i]
                                   : ((const uint8_t *)row->latencies)[i];
        uint32_t t_post = step_of(latency, row->model, rule);
        uint32_t dt = t_post > t_pre ? t_post - t_pre : t_pre - t_post;
        sum[i] += row->gate * rule->delta[(fired & 1u) * n_entries + dt];
    }
}

/* Latencies of all its neurons, in half-words where a byte does not hold them. */
static void list(const dassdp_record_t *record, void *latencies)
{
    if (record->bits > DASSDP_BYTE_BITS) {
        dassdp_planes_halves(record->latency, record->n, record->bits, latencies);
    } else {
        dassdp_planes_bytes(record->latency, record->n, record->bits, latencies);
    }
}

/* add_row for the neuron of an index and a slot of the batch. */
static void add_sample(const dassdp_model_t *model, void *state,
                       const dassdp_projection_t *projection, uint32_t slot, uint32_t pre_idx,
                       int32_t gate, int32_t *sum)
{
    const dassdp_sync_rule_t *rule = dassdp_constants(projection);
    dassdp_record_t pre = dassdp_record(model, state, dassdp_pre(model, projection), slot);
    dassdp_record_t post = dassdp_record(model, state, dassdp_post(model, projection), slot);
    void *latencies = dassdp_at(state, rule->latencies_off);
    if (model->n_batch > 1u || pre_idx == 0u) {
        list(&post, latencies);
    }
    row_t row = {.model = model,
                 .rule = rule,
                 .post = post,
                 .latencies = latencies,
                 .t_pre = step_of(dassdp_plane_value(pre.latency, pre.bits, pre_idx), model, rule),
                 .fired = (dassdp_fired(&pre, pre_idx >> 5) >> (pre_idx & 31u)) & 1u,
                 .gate = gate};
    if (post.bits > DASSDP_BYTE_BITS) {
        add_row(&row, 1, sum);
    } else {
        add_row(&row, 0, sum);
    }
}

/* The gates of a batch in Q12; returns whether any of them lets an update through. */
static int open_gates(const dassdp_model_t *model, void *state,
                      const dassdp_projection_t *projection, uint16_t *gates_q12)
{
    const dassdp_sync_rule_t *rule = dassdp_constants(projection);
    dassdp_gate_t *gate = gate_of(state, projection);
    int is_open = 0;
    for (uint32_t b = 0; b < model->n_batch; b++) {
        uint32_t g = ONE_Q12;
        if (rule->is_gated != 0u) {
            g = gate_q12(gate, synchrony(model, state, projection, b));
        }
        gates_q12[b] = (uint16_t)g;
        gate->last_gate_q12 = (uint16_t)g;
        is_open |= g != 0u;
    }
    return is_open;
}

/* The row of a presynaptic neuron, from the sample of the batch that the lesson stands at; returns
 * whether the slice had room for it. */
static int learn_row(const dassdp_model_t *model, void *state,
                     const dassdp_projection_t *projection, uint32_t pre_idx, int16_t *dw_q8)
{
    const dassdp_sync_rule_t *rule = dassdp_constants(projection);
    const uint32_t dw_rshift = 12u + rule->delta_rshift;
    const uint16_t *gates_q12 = dassdp_at_const(state, rule->gates_off);
    dassdp_lesson_t *lesson = dassdp_lesson(model, state);
    int32_t *sum = dassdp_at(state, rule->sums_off);
    uint32_t n_vanished = 0;
    if (lesson->at[AT_SLOT] == 0u) {
        memset(sum, 0, projection->n_post * sizeof *sum);
    }
    for (uint32_t b = lesson->at[AT_SLOT]; b < model->n_batch; b++) {
        if (lesson->n_grains == 0u) {
            lesson->at[AT_SLOT] = (uint16_t)b;
            return 0;
        }
        lesson->n_grains--;
        add_sample(model, state, projection, b, pre_idx, gates_q12[b], sum);
    }
    lesson->at[AT_SLOT] = 0;
    for (uint32_t i = 0; i < projection->n_post; i++) {
        dw_q8[i] = dassdp_narrow_s16(dassdp_round_s32(sum[i], dw_rshift));
        n_vanished += (uint32_t)(dw_q8[i] == 0);
    }
    dassdp_write_row(model, state, projection, pre_idx, dw_q8, projection->n_post, n_vanished);
    return 1;
}

void dassdp_sync_learn(const dassdp_model_t *model, void *state,
                       const dassdp_projection_t *projection)
{
    const dassdp_sync_rule_t *rule = dassdp_constants(projection);
    dassdp_lesson_t *lesson = dassdp_lesson(model, state);
    if (dassdp_is_first(lesson)) {
        lesson->n_grains--;
        if (!open_gates(model, state, projection, dassdp_at(state, rule->gates_off))) {
            return;
        }
        lesson->at[AT_ROW] = 1;
    }
    int16_t *dw_q8 = dassdp_row_buffer(state, projection, rule->row_off);
    for (uint32_t j = lesson->at[AT_ROW] - 1u; j < projection->n_pre; j++) {
        if (!learn_row(model, state, projection, j, dw_q8)) {
            lesson->at[AT_ROW] = (uint16_t)(1u + j);
            lesson->is_paused = 1;
            return;
        }
    }
}
