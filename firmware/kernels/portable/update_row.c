#include "update_row_entries.h"

uint32_t dassdp_k_update_row(uint32_t row_rshift, int16_t *dw_q8, const int16_t *k,
                             uint32_t n_columns, uint32_t n_spikes, const uint8_t *latency_post,
                             const uint8_t *g_q7)
{
    return update_row_entries(row_rshift, dw_q8, k, n_columns, n_spikes, latency_post, g_q7, 0, 0);
}
