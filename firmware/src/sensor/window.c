/* Codes u of few bits, so that n_readings u^2 stay below 2^31; then all moments of a window fit
 * an int32. */
#include "window.h"

#include "dassdp_quantities.h"
#include "fixed.h"

enum { BLOCK_BITS = 14 };

/* Entries of a triad's covariances, as blocks and sums have them. */
static const uint8_t FIRST[6] = {0, 1, 2, 0, 0, 1};
static const uint8_t SECOND[6] = {0, 1, 2, 1, 2, 2};

static int32_t code(const dassdp_drift_t *drift, uint32_t c, int32_t count)
{
    int32_t moved = count - drift->centre[c], shift = drift->shift[c];
    moved = shift >= 0 ? dassdp_round_s32(moved, (uint32_t)shift) : moved * (1 << -shift);
    return dassdp_clip_s32(moved, -drift->limit, drift->limit);
}

void dassdp_add_reading(const dassdp_drift_t *drift, int32_t *sums, const int16_t *counts)
{
    int16_t u[DASSDP_SENSOR_CHANNELS];
    int32_t *squares = sums + drift->n_channels;
    for (uint32_t c = 0; c < drift->n_channels; c++) {
        u[c] = (int16_t)code(drift, c, counts[c]);
        sums[c] += u[c];
        squares[c] += u[c] * u[c];
    }
    int32_t *products = squares + drift->n_channels;
    for (uint32_t t = 0; t < drift->n_triads; t++, products += 3) {
        const dassdp_triad_t *triad = &drift->triads[t];
        products[0] += u[triad->x] * u[triad->y];
        products[1] += u[triad->x] * u[triad->z];
        products[2] += u[triad->y] * u[triad->z];
    }
}

/* x from 1; straight between powers of two. */
static int32_t log2_q8(uint32_t x)
{
    uint32_t exponent = 0;
    while (x >> exponent > 1u) {
        exponent++;
    }
    return ((int32_t)exponent - 1) * 256 + (int32_t)((x << 8) >> exponent);
}

/* floor(2^6 total / n) */
static int32_t per_reading_q6(int32_t total, int32_t n)
{
    int32_t whole = total / n - (total % n < 0 ? 1 : 0);
    return whole * 64 + (total - whole * n) * 64 / n;
}

/* Mean of channel c in whole codes, and what its sum has more than that. */
static int32_t whole_mean(const dassdp_drift_t *drift, const int32_t *sums, uint32_t c,
                          int32_t *rest)
{
    int32_t mean = dassdp_div_round_s32(sums[c], drift->n_readings);
    *rest = sums[c] - mean * drift->n_readings;
    return mean;
}

/* Covariance of channels a and b, Q6, from the sum of their products: the steps between may wrap. */
static int32_t covariance_q6(const dassdp_drift_t *drift, const int32_t *sums, uint32_t a,
                             uint32_t b, int32_t products)
{
    int32_t rest_a, rest_b;
    int32_t mean_a = whole_mean(drift, sums, a, &rest_a);
    int32_t mean_b = whole_mean(drift, sums, b, &rest_b);
    uint32_t total = (uint32_t)products - (uint32_t)mean_a * (uint32_t)sums[b]
                     - (uint32_t)mean_b * (uint32_t)rest_a;
    return per_reading_q6((int32_t)total, drift->n_readings);
}

static void block(const dassdp_drift_t *drift, const int32_t *sums, uint32_t t, int16_t *into)
{
    const int32_t *squares = sums + drift->n_channels;
    const int32_t *products = squares + drift->n_channels + 3u * t;
    const dassdp_triad_t *triad = &drift->triads[t];
    const uint8_t at[3] = {triad->x, triad->y, triad->z};
    int32_t cov_q6[6], largest = 0;
    uint32_t exponent = 0;
    for (uint32_t k = 0; k < 6u; k++) {
        uint32_t a = at[FIRST[k]], b = at[SECOND[k]];
        cov_q6[k] = covariance_q6(drift, sums, a, b, k < 3u ? squares[a] : products[k - 3u]);
        largest = k < 3u && cov_q6[k] > largest ? cov_q6[k] : largest;
    }
    while (largest >> (BLOCK_BITS + exponent) != 0) {
        exponent++;
    }
    for (uint32_t k = 0; k < 6u; k++) {
        into[k] = dassdp_narrow_s16(cov_q6[k] >> exponent);
    }
    into[6] = (int16_t)exponent;
}

void dassdp_window_row(const dassdp_drift_t *drift, const int32_t *sums, int16_t *row)
{
    int16_t *mean_q3 = row + DASSDP_ROW_MEAN, *std_q3 = mean_q3 + drift->n_channels;
    const int32_t *squares = sums + drift->n_channels;
    for (uint32_t c = 0; c < drift->n_channels; c++) {
        int32_t variance_q6 = covariance_q6(drift, sums, c, c, squares[c]);
        mean_q3[c] = dassdp_narrow_s16(dassdp_div_round_s32(8 * sums[c], drift->n_readings));
        std_q3[c] = dassdp_narrow_s16((int32_t)dassdp_isqrt_u32((uint32_t)variance_q6));
    }
    for (uint32_t t = 0; t < drift->n_triads; t++) {
        block(drift, sums, t, std_q3 + drift->n_channels + DASSDP_BLOCK * t);
    }
}

/* Standard deviation Q3 along a row of Q: no sum exceeds |Q row|^2 times the trace of a block, which
 * is below 3 2^14. */
static int32_t turned_std_q3(const int16_t *block, const int16_t *q_q14)
{
    static const uint8_t AT[9] = {0, 3, 4, 3, 1, 5, 4, 5, 2};
    int32_t sum = 0;
    for (uint32_t j = 0; j < 3u; j++) {
        int32_t half = (q_q14[0] * block[AT[j]] + q_q14[1] * block[AT[3u + j]]
                        + q_q14[2] * block[AT[6u + j]]) >> 14;
        sum += half * q_q14[j];
    }
    sum >>= 14;
    return sum <= 0 ? 0 : (int32_t)dassdp_isqrt_u32((uint32_t)sum << (uint32_t)block[6]);
}

static void turn_features(const dassdp_drift_t *drift, const int16_t *row,
                          const dassdp_turn_t *turn, uint32_t t, int16_t *features)
{
    const dassdp_triad_t *triad = &drift->triads[t];
    const int16_t *mean_q3 = row + DASSDP_ROW_MEAN;
    const int16_t *covariances = mean_q3 + 2u * drift->n_channels + DASSDP_BLOCK * t;
    const uint8_t at[3] = {triad->x, triad->y, triad->z};
    int32_t sign = triad->is_axial != 0u ? turn->det : 1;
    for (uint32_t k = 0; k < 3u; k++) {
        const int16_t *q_q14 = turn->q_q14 + 3u * k;
        uint32_t c = at[k];
        int32_t sum = q_q14[0] * mean_q3[triad->x] + q_q14[1] * mean_q3[triad->y]
                      + q_q14[2] * mean_q3[triad->z];
        int32_t std_q3 = turned_std_q3(covariances, q_q14);
        features[c] = dassdp_saturate_s16(sign * dassdp_saturate_s16(dassdp_round_s32(sum, 14)));
        features[drift->n_channels + c] =
            (int16_t)log2_q8((uint32_t)(std_q3 + drift->eps_q3[c]));
    }
}

void dassdp_features(const dassdp_drift_t *drift, const int16_t *row,
                     const dassdp_change_t *change, int16_t *features)
{
    const int16_t *mean_q3 = row + DASSDP_ROW_MEAN, *std_q3 = mean_q3 + drift->n_channels;
    int is_scaled = change != 0 && change->gain_q12 != 0;
    for (uint32_t c = 0; c < drift->n_channels; c++) {
        int32_t mean = mean_q3[c], deviation = std_q3[c];
        if (is_scaled) {
            mean = dassdp_round_s32(mean * change->gain_q12[c], 12) + change->offset_q3[c];
            deviation = dassdp_round_s32(deviation * change->gain_q12[c], 12);
        }
        features[c] = dassdp_saturate_s16(mean);
        features[drift->n_channels + c] =
            (int16_t)log2_q8((uint32_t)(deviation + drift->eps_q3[c]));
    }
    for (uint32_t t = 0; change != 0 && change->turn != 0 && t < drift->n_triads; t++) {
        turn_features(drift, row, change->turn, t, features);
    }
}
