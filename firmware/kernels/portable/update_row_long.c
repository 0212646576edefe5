#include "update_row_entries.h"

uint32_t dassdp_k_update_row_long(const dassdp_update_t *update, int16_t *dw_q8, const int16_t *k,
                                  uint32_t n_columns, uint32_t n_spikes,
                                  const uint16_t *latency_post, uint32_t latency_pre,
                                  int32_t k_limit)
{
    return update_row_entries(update, dw_q8, k, n_columns, n_spikes, latency_post, latency_pre, 1,
                              k_limit);
}
