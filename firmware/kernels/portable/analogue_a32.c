/* u = w + 2^(bits-1) is summed and the bias taken off as 2^(bits-1) times the sum of x. |sum| is
 * proven to fit an int32; with u in place of w it may wrap, which unsigned arithmetic takes back
 * exactly. */
#include "kernels.h"
#include "tile.h"

static inline void sum_tile_x_u8(uint32_t *restrict sum, uint32_t width,
                                 const uint8_t *restrict column,
                                 const int8_t *x, uint32_t n_pre, uint32_t row_bytes)
{
#pragma GCC unroll 8
    for (uint32_t k = 0; k < width; k++) {
        sum[k] = 0;
    }
    for (uint32_t j = 0; j < n_pre; j++) {
        const uint8_t *row = column + j * row_bytes;
        uint32_t x_j = (uint32_t)(int32_t)x[j];
#pragma GCC unroll 8
        for (uint32_t k = 0; k < width; k++) {
            sum[k] += x_j * row[k];
        }
    }
}

#define DASSDP_ANALOGUE_TILES(width)                                                              \
    for (; i + (width) <= projection->row_bytes; i += (width)) {                                  \
        uint32_t sum[width];                                                                      \
        sum_tile_x_u8(sum, width, (const uint8_t *)projection->factory + i, x, projection->n_pre, \
                      projection->row_bytes);                                                     \
        for (uint32_t k = 0; k < (width); k++) {                                                  \
            uint32_t n = i + (k & ~3u) + DASSDP_LANE(k);                                          \
            sums[n] = (sums[n] & kept) + (int32_t)(sum[k] - bias);                                \
        }                                                                                         \
    }

void dassdp_k_analogue_a32(const dassdp_projection_t *projection, void *acc, const int8_t *x,
                           uint32_t adds)
{
    int32_t *sums = acc;
    const int32_t kept = -(int32_t)adds;
    int32_t x_sum = 0;
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        x_sum += x[j];
    }
    uint32_t bias = (uint32_t)x_sum << (projection->weight_bits - 1u);
    uint32_t i = 0;
    DASSDP_WIDE(DASSDP_ANALOGUE_TILES(DASSDP_TILE))
    DASSDP_WIDE(DASSDP_ANALOGUE_TILES(16))
    DASSDP_ANALOGUE_TILES(8)
}
