/* Horn 1987, J. Opt. Soc. Am. A 4(4):629, in int32; the eigenvector by squaring its matrix, which
 * is power iteration. Class means are shifted until n sums of 12 squares fit. */
#include "orientation.h"

#include "dassdp_quantities.h"
#include "fixed.h"

typedef struct {
    int32_t then[3];
    int32_t now[3];
} pair_t;

static uint32_t magnitude(int32_t x)
{
    return x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Shifted to the right until no entry has more bits. */
static void narrow(int32_t *entries, uint32_t n, uint32_t bits)
{
    uint32_t most = 0, shift = 0;
    for (uint32_t i = 0; i < n; i++) {
        most = larger(most, magnitude(entries[i]));
    }
    while (most >> (bits + shift) != 0u) {
        shift++;
    }
    for (uint32_t i = 0; i < n; i++) {
        entries[i] = dassdp_round_s32(entries[i], shift);
    }
}

/* Horn's 4x4 matrix, whose foremost eigenvector is the quaternion, with its largest row sum of
 * magnitudes added to the diagonal: no eigenvalue is negative. |entries| <= 12 2^16. */
static void quaternion_matrix(const int32_t *h, int32_t *m)
{
    m[0] = h[0] + h[4] + h[8];
    m[5] = h[0] - h[4] - h[8];
    m[10] = h[4] - h[0] - h[8];
    m[15] = h[8] - h[0] - h[4];
    m[1] = m[4] = h[7] - h[5];
    m[2] = m[8] = h[2] - h[6];
    m[3] = m[12] = h[3] - h[1];
    m[6] = m[9] = h[1] + h[3];
    m[7] = m[13] = h[2] + h[6];
    m[11] = m[14] = h[5] + h[7];
    uint32_t most = 0;
    for (uint32_t i = 0; i < 16u; i += 4u) {
        most = larger(most, magnitude(m[i]) + magnitude(m[i + 1u]) + magnitude(m[i + 2u])
                                + magnitude(m[i + 3u]));
    }
    for (uint32_t i = 0; i < 16u; i += 5u) {
        m[i] += (int32_t)most;
    }
}

/* |entries| <= 2^14, so four products fit. */
static void square(int32_t *m)
{
    int32_t before[16];
    for (uint32_t i = 0; i < 16u; i++) {
        before[i] = m[i];
    }
    for (uint32_t i = 0; i < 16u; i++) {
        const int32_t *row = before + (i & ~3u), *column = before + (i & 3u);
        m[i] = row[0] * column[0] + row[1] * column[4] + row[2] * column[8] + row[3] * column[12];
    }
}

/* q of any length, |q| <= 2^14; unturned for 0. */
static void turn_of_quaternion(const int32_t *q, int16_t *q_q14)
{
    int32_t w = q[0], x = q[1], y = q[2], z = q[3];
    int32_t n_q14 = dassdp_round_s32(w * w + x * x + y * y + z * z, 14);
    const int32_t halves[9] = {
        -(y * y + z * z), x * y - w * z, x * z + w * y,
        x * y + w * z, -(x * x + z * z), y * z - w * x,
        x * z - w * y, y * z + w * x, -(x * x + y * y),
    };
    n_q14 = n_q14 == 0 ? 1 : n_q14;
    for (uint32_t i = 0; i < 9u; i++) {
        int32_t entry = (i % 4u == 0u ? DASSDP_ONE_Q14 : 0) + dassdp_div_round_s32(2 * halves[i], n_q14);
        q_q14[i] = (int16_t)dassdp_clip_s32(entry, -DASSDP_ONE_Q14, DASSDP_ONE_Q14);
    }
}

void dassdp_horn(const int32_t *h, int16_t *q_q14)
{
    int32_t narrowed[9], m[16];
    for (uint32_t i = 0; i < 9u; i++) {
        narrowed[i] = h[i];
    }
    narrow(narrowed, 9, DASSDP_TURN_H_BITS);
    quaternion_matrix(narrowed, m);
    narrow(m, 16, DASSDP_TURN_BITS);
    for (uint32_t i = 0; i < DASSDP_TURN_SQUARINGS; i++) {
        square(m);
        narrow(m, 16, DASSDP_TURN_BITS);
    }
    uint32_t foremost = 0;
    for (uint32_t i = 1; i < 4u; i++) {
        foremost = m[5u * i] > m[5u * foremost] ? i : foremost;
    }
    turn_of_quaternion(m + 4u * foremost, q_q14);
}

void dassdp_horn_of(int32_t *h, int16_t det, dassdp_turn_t *turn)
{
    for (uint32_t i = 0; i < 9u; i++) {
        h[i] *= det;
    }
    dassdp_horn(h, turn->q_q14);
    turn->det = det;
    for (uint32_t i = 0; i < 9u; i++) {
        turn->q_q14[i] = (int16_t)(det * turn->q_q14[i]);
    }
}

static uint32_t n_observed(const dassdp_observed_t *observed)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < observed->n_classes; c++) {
        n += observed->n_seen[c] != 0u ? 1u : 0u;
    }
    return n;
}

/* Class means of the factory and of now, shifted. */
static pair_t pair_of(const dassdp_observed_t *observed, uint32_t c, uint32_t shift)
{
    pair_t pair;
    for (uint32_t k = 0; k < 3u; k++) {
        int32_t mean = dassdp_div_round_s32(observed->sums[3u * c + k], observed->n_seen[c]);
        pair.then[k] = dassdp_round_s32(observed->then[3u * c + k], shift);
        pair.now[k] = dassdp_round_s32(mean, shift);
    }
    return pair;
}

/* By which no sum of n squared distances exceeds int32. */
static uint32_t shift_of(const dassdp_observed_t *observed, uint32_t n)
{
    uint32_t most = (uint32_t)INT32_MAX / (13u * n), largest = (uint32_t)observed->unit, shift = 0;
    for (uint32_t c = 0; c < observed->n_classes; c++) {
        if (observed->n_seen[c] != 0u) {
            pair_t pair = pair_of(observed, c, 0);
            for (uint32_t k = 0; k < 3u; k++) {
                largest = larger(largest, larger(magnitude(pair.then[k]), magnitude(pair.now[k])));
            }
        }
    }
    while ((largest >> shift) * (largest >> shift) > most) {
        shift++;
    }
    return shift;
}

/* sum_c then_c now_c^T, and the ridge on the diagonal. */
static void correlate(const dassdp_observed_t *observed, uint32_t shift, int32_t ridge, int32_t *h)
{
    for (uint32_t i = 0; i < 9u; i++) {
        h[i] = i % 4u == 0u ? ridge : 0;
    }
    for (uint32_t c = 0; c < observed->n_classes; c++) {
        if (observed->n_seen[c] != 0u) {
            pair_t pair = pair_of(observed, c, shift);
            for (uint32_t i = 0; i < 9u; i++) {
                h[i] += pair.then[i / 3u] * pair.now[i % 3u];
            }
        }
    }
}

/* sum_c |then_c - Q now_c|^2. */
static int32_t residual_of(const dassdp_observed_t *observed, uint32_t shift, const int16_t *q_q14)
{
    int32_t sum = 0;
    for (uint32_t c = 0; c < observed->n_classes; c++) {
        if (observed->n_seen[c] != 0u) {
            pair_t pair = pair_of(observed, c, shift);
            for (uint32_t k = 0; k < 3u; k++) {
                const int16_t *row = q_q14 + 3u * k;
                int32_t turned = row[0] * pair.now[0] + row[1] * pair.now[1] + row[2] * pair.now[2];
                int32_t off = pair.then[k] - dassdp_round_s32(turned, 14);
                sum += off * off;
            }
        }
    }
    return sum;
}

/* Behind the best Q of determinant `det`, which is put in `turn`. */
static int32_t fit_turn(const dassdp_observed_t *observed, uint32_t shift, const int32_t *h,
                        int16_t det, dassdp_turn_t *turn)
{
    int32_t signed_h[9];
    for (uint32_t i = 0; i < 9u; i++) {
        signed_h[i] = h[i];
    }
    dassdp_horn_of(signed_h, det, turn);
    return residual_of(observed, shift, turn->q_q14);
}

static void unturn(dassdp_turn_t *turn)
{
    turn->det = 1;
    for (uint32_t i = 0; i < 9u; i++) {
        turn->q_q14[i] = i % 4u == 0u ? DASSDP_ONE_Q14 : 0;
    }
}

/* other: what the other determinant leaves. */
static int16_t verdict_of(const dassdp_orientation_t *made, int32_t other, int32_t square)
{
    int32_t n = made->n_classes;
    if (made->residual >= made->residual_factory - made->residual
        || made->residual_factory <= square / DASSDP_TURN_ACCEPTED * n) {
        return DASSDP_FIT_FACTORY;
    }
    if (n < DASSDP_TURN_CLASSES || other - made->residual < square / DASSDP_TURN_DECIDED * n) {
        return DASSDP_FIT_UNDECIDED;
    }
    return DASSDP_FIT_TAKEN;
}

static void fit_both(const dassdp_observed_t *observed, dassdp_orientation_t *made)
{
    uint32_t shift = shift_of(observed, made->n_classes);
    int32_t square = (observed->unit * observed->unit) >> (2u * shift), h[9];
    dassdp_turn_t mirrored;
    made->residual_factory = residual_of(observed, shift, made->turn.q_q14);
    correlate(observed, shift, square / DASSDP_TURN_RIDGE * made->n_classes, h);
    int32_t other = fit_turn(observed, shift, h, -1, &mirrored);
    made->residual = fit_turn(observed, shift, h, 1, &made->turn);
    if (other < made->residual) {
        int32_t better = other;
        other = made->residual;
        made->residual = better;
        made->turn = mirrored;
    }
    made->verdict = verdict_of(made, other, square);
}

void dassdp_fit_orientation(const dassdp_observed_t *observed, dassdp_orientation_t *made)
{
    *made = (dassdp_orientation_t){.verdict = DASSDP_FIT_FEW,
                                   .n_classes = (uint16_t)n_observed(observed)};
    unturn(&made->turn);
    if (made->n_classes >= DASSDP_FIT_CLASSES) {
        fit_both(observed, made);
    }
    if (made->verdict != DASSDP_FIT_TAKEN) {
        unturn(&made->turn);
    }
}
