#include "fixed.h"
#include "kernels.h"

uint32_t dassdp_k_update_row_placed(uint32_t row_rshift, int16_t *restrict dw_q8,
                                    const uint32_t *restrict placed, const int16_t *restrict sums,
                                    uint32_t n_columns)
{
    const int32_t half = (int32_t)(1u << (row_rshift - 1u));
    uint32_t n_moved = 0;
    for (uint32_t i = 0; i < n_columns; i++) {
        const int32_t dw = ((int16_t)placed[i] * sums[i] + half) >> row_rshift;
        dw_q8[placed[i] >> 17] = dassdp_narrow_s16(dw);
        n_moved += (uint32_t)(dw != 0);
    }
    return n_moved;
}
