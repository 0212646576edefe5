/* The entries of the update row of a class: k_i n g[t_i] rounded >> row_rshift. */
#ifndef DASSDP_UPDATE_ROW_ENTRIES_H
#define DASSDP_UPDATE_ROW_ENTRIES_H

#include "fixed.h"
#include "kernels.h"

/* is_long, a constant: latencies are half-words that stand for nothing where k is 0, and k is clipped to
 * +-k_limit. Returns how many entries are not zero. */
static inline __attribute__((always_inline)) uint32_t
update_row_entries(uint32_t row_rshift, int16_t *dw_q8, const int16_t *k, uint32_t n_columns,
                   uint32_t n_spikes, const void *latency_post, const uint8_t *g_q7, int is_long,
                   int32_t k_limit)
{
    uint32_t n_moved = 0;
    for (uint32_t i = 0; i < n_columns; i++) {
        int32_t g = 128;
        if (g_q7 != 0) {
            g = g_q7[!is_long    ? ((const uint8_t *)latency_post)[i]
                     : k[i] == 0 ? 0
                                 : ((const uint16_t *)latency_post)[i]];
        }
        const int32_t k_i = is_long ? dassdp_clip_s32(k[i], -k_limit, k_limit) : k[i];
        dw_q8[i] = dassdp_narrow_s16(dassdp_round_s32(k_i * ((int32_t)n_spikes * g), row_rshift));
        n_moved += (uint32_t)(dw_q8[i] != 0);
    }
    return n_moved;
}

#endif
