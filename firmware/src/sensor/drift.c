/* D of a window is the least mean square of its features' distances from a class, in standard
 * deviations; the alarm is on while the median of the last ones exceeds the threshold. */
#include "drift.h"

#include "dassdp_quantities.h"
#include "fixed.h"

uint16_t dassdp_distance(const dassdp_drift_t *drift, const int16_t *features, uint16_t *nearest)
{
    const int16_t *class_feature = drift->class_features;
    int32_t n = 2 * drift->n_channels, least = INT32_MAX;
    *nearest = 0;
    for (uint32_t c = 0; c < drift->n_classes; c++) {
        int32_t sum = 0;
        for (int32_t i = 0; i < n; i++) {
            int32_t z_q5 = ((features[i] - *class_feature++) * drift->inverse_q17[i])
                           >> DASSDP_DRIFT_INVERSE_BITS;
            z_q5 = dassdp_clip_s32(z_q5, -DASSDP_DRIFT_Z_MAX_Q5, DASSDP_DRIFT_Z_MAX_Q5);
            sum += z_q5 * z_q5;
        }
        sum = sum / n >> DASSDP_DRIFT_DISTANCE_SHIFT;
        if (sum < least) {
            least = sum;
            *nearest = (uint16_t)c;
        }
    }
    return least > UINT16_MAX ? UINT16_MAX : (uint16_t)least;
}

uint16_t dassdp_median(const uint16_t *numbers, uint32_t n, uint32_t stride)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_below = 0, n_same = 0;
        for (uint32_t j = 0; j < n; j++) {
            n_below += numbers[j * stride] < numbers[i * stride] ? 1u : 0u;
            n_same += numbers[j * stride] == numbers[i * stride] ? 1u : 0u;
        }
        if (n_below <= n / 2u && n / 2u < n_below + n_same) {
            return numbers[i * stride];
        }
    }
    return 0;
}

void dassdp_drift_drop(const dassdp_drift_memory_t *memory)
{
    *memory->kept = (dassdp_drift_kept_t){0};
}

void dassdp_drift_rest(const dassdp_drift_memory_t *memory)
{
    dassdp_drift_state_t *state = memory->state;
    state->median_q8 = 0;
    state->n_ring = 0;
    state->ring_idx = 0;
    state->is_on = 0;
    for (uint32_t i = 0; i < DASSDP_DRIFT_WINDOWS; i++) {
        memory->ring_q8[i] = 0;
    }
    dassdp_drift_drop(memory);
}

/* Every second row goes, so that those kept are evenly apart. */
static void thin(const dassdp_drift_t *drift, const dassdp_drift_memory_t *memory)
{
    dassdp_drift_kept_t *kept = memory->kept;
    uint32_t length = dassdp_row_length(drift);
    kept->n_rows = (uint8_t)((kept->n_rows + 1u) / 2u);
    kept->stride_log2++;
    for (uint32_t i = length; i < kept->n_rows * length; i++) {
        memory->rows[i] = memory->rows[i / length * 2u * length + i % length];
    }
    if (kept->stride_log2 > DASSDP_DRIFT_STRIDE_LOG2) {
        dassdp_drift_drop(memory);
    }
}

static int is_due(const dassdp_drift_kept_t *kept)
{
    return (kept->phase & ((1u << kept->stride_log2) - 1u)) == 0u;
}

/* Every so-many-th window, from as long ago as fits. */
static void keep(const dassdp_drift_t *drift, const dassdp_drift_memory_t *memory)
{
    dassdp_drift_kept_t *kept = memory->kept;
    uint32_t length = dassdp_row_length(drift);
    if (is_due(kept) && kept->n_rows == drift->n_rows) {
        thin(drift, memory);
    }
    if (is_due(kept)) {
        int16_t *into = memory->rows + kept->n_rows++ * length;
        for (uint32_t i = 0; i < length; i++) {
            into[i] = memory->last[i];
        }
    }
    kept->phase++;
}

/* D joins the ring; returns whether this is full. */
static int remember(const dassdp_drift_memory_t *memory, uint16_t d_q8)
{
    dassdp_drift_state_t *state = memory->state;
    memory->ring_q8[state->ring_idx] = d_q8;
    state->ring_idx = (uint8_t)((state->ring_idx + 1u) % DASSDP_DRIFT_WINDOWS);
    state->n_ring = (uint8_t)(state->n_ring + (state->n_ring < DASSDP_DRIFT_WINDOWS ? 1u : 0u));
    return state->n_ring == DASSDP_DRIFT_WINDOWS;
}

/* Returns whether the alarm comes or goes. */
static int judge(const dassdp_drift_memory_t *memory)
{
    dassdp_drift_state_t *state = memory->state;
    state->median_q8 = dassdp_median(memory->ring_q8, DASSDP_DRIFT_WINDOWS, 1);
    uint8_t is_on = state->median_q8 > DASSDP_DRIFT_THRESHOLD_Q8 ? 1u : 0u;
    if (is_on == state->is_on) {
        return 0;
    }
    state->is_on = is_on;
    if (is_on != 0u && state->n_alarms < UINT16_MAX) {
        state->n_alarms++;
    }
    return is_on != 0u ? DASSDP_ALARM_ON : DASSDP_ALARM_OFF;
}

/* Where none is taken, windows that look like the factory's are of no use to the next search. */
static int search(const dassdp_drift_t *drift, const dassdp_drift_memory_t *memory,
                  int16_t *profile, uint32_t *kind)
{
    int found = drift->search(drift, memory->sums, memory->rows, memory->kept->n_rows, profile);
    if (found == DASSDP_SEARCH_NEEDLESS) {
        dassdp_drift_drop(memory);
    }
    if (found <= 0) {
        return 0;
    }
    *kind = (uint32_t)found;
    if (memory->state->n_profiles < UINT16_MAX) {
        memory->state->n_profiles++;
    }
    dassdp_drift_rest(memory);
    return DASSDP_PROFILE_TAKEN;
}

int dassdp_drift_window(const dassdp_drift_t *drift, const dassdp_drift_memory_t *memory,
                        int is_searching, int16_t *profile, uint32_t *kind)
{
    int16_t *features = dassdp_features_at(drift, memory->sums);
    uint16_t nearest;
    dassdp_window_row(drift, memory->sums, memory->last);
    dassdp_features(drift, memory->last, 0, features);
    memory->state->n_windows++;
    int is_full = remember(memory, dassdp_distance(drift, features, &nearest));
    int event = is_full ? judge(memory) : 0;
    if (is_searching != 0 && drift->search != 0) {
        keep(drift, memory);
        if (memory->state->ring_idx == 0u) {
            int found = search(drift, memory, profile, kind);
            event = found != 0 ? found : event;
        }
    }
    return event;
}
