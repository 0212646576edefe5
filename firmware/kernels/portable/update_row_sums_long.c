#include "fixed.h"
#include "kernels.h"

uint32_t dassdp_k_update_row_sums_long(uint32_t row_rshift, int16_t *dw_q8, const int16_t *k,
                                       const int32_t *sums, uint32_t n_columns, int32_t k_limit)
{
    uint32_t n_moved = 0;
    for (uint32_t i = 0; i < n_columns; i++) {
        const int32_t k_i = dassdp_clip_s32(k[i], -k_limit, k_limit);
        dw_q8[i] = dassdp_narrow_s16(dassdp_round_s32(k_i * sums[i], row_rshift));
        n_moved += (uint32_t)(dw_q8[i] != 0);
    }
    return n_moved;
}
