#include "fixed.h"
#include "kernels.h"

uint32_t dassdp_k_update_row_sums(const dassdp_update_t *update, int16_t *restrict dw_q8,
                                  const int16_t *restrict k, const int16_t *restrict sums,
                                  uint32_t n_columns)
{
    const uint32_t rshift = update->row_rshift;
    const int32_t half = (int32_t)(1u << (rshift - 1u));
    uint32_t n_vanished = 0;
    for (uint32_t i = 0; i < n_columns; i++) {
        int32_t dw = (k[i] * sums[i] + half) >> rshift;
        dw_q8[i] = dassdp_narrow_s16(dw);
        n_vanished += (uint32_t)(dw == 0) & (uint32_t)(k[i] != 0);
    }
    return n_vanished;
}
