/* Rules of factors in samples of more steps than a byte holds: many spikes, so finer steps, and
 * half-words. */
#include "factors.h"

int32_t dassdp_long_limit(const dassdp_update_t *update, uint32_t n_spikes)
{
    const uint32_t rshift = update->row_rshift;
    const uint32_t most = ((uint32_t)DASSDP_DW_MAX_Q8 << rshift) - (1u << (rshift - 1u));
    return (int32_t)(most / (128u * n_spikes));
}

void dassdp_long_refine(uint32_t n_squared, uint32_t *amplitude, uint32_t *k_rshift)
{
    if (n_squared >= DASSDP_MANY_SQUARED) {
        const uint32_t room = 30u - *k_rshift;
        const uint32_t finer = room < DASSDP_FINER_BITS ? room : DASSDP_FINER_BITS;
        *amplitude <<= finer;
        *k_rshift += finer;
    }
}

uint32_t dassdp_long_row(const dassdp_update_t *update, int16_t *dw_q8, const int16_t *k,
                         uint32_t n_columns, uint32_t n_spikes, const void *latency_post,
                         const uint8_t *g_q7)
{
    return dassdp_k_update_row_long(update->row_rshift, dw_q8, k, n_columns, n_spikes, latency_post,
                                    g_q7, dassdp_long_limit(update, n_spikes));
}
