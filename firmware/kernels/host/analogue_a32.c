/* int32 sums modulo 2^32 in words, each of one column: byte b of a group's word is column
 * DASSDP_LANE(b). The bias of the weights comes off as 2^(bits-1) times the sum of x. */
#include "columns.h"
#include "kernels.h"

#define DASSDP_ANALOGUE_TILE(bytes, n)                                                            \
    for (; i + (bytes) * (n) <= row_bytes; i += (bytes) * (n)) {                                  \
        dassdp_words_##bytes##_t sum[4 * (n)] = {0};                                              \
        for (uint32_t j = 0; j < projection->n_pre; j++) {                                        \
            const uint32_t x_j = (uint32_t)(int32_t)x[j];                                         \
            _Pragma("GCC unroll 16")                                                              \
            for (uint32_t k = 0; k < 4 * (n); k++) {                                              \
                dassdp_words_##bytes##_t row;                                                     \
                memcpy(&row, image + j * row_bytes + i + (k >> 2) * (bytes), bytes);              \
                sum[k] += ((row >> (8u * (k & 3u))) & 255u) * x_j;                                \
            }                                                                                     \
        }                                                                                         \
        for (uint32_t k = 0; k < (bytes) * (n); k++) {                                            \
            uint32_t b = DASSDP_LANE(k & 3u);                                                     \
            uint32_t group = (k % (bytes)) >> 2;                                                  \
            uint32_t total = sum[4u * (k / (bytes)) + b][group] - bias;                           \
            sums[i + k] = (sums[i + k] & kept) + (int32_t)total;                                  \
        }                                                                                         \
    }

void dassdp_k_analogue_a32(const dassdp_projection_t *projection, void *acc, const int8_t *x,
                           uint32_t adds)
{
    const uint8_t *image = projection->factory;
    const uint32_t row_bytes = projection->row_bytes;
    const int32_t kept = -(int32_t)adds;
    int32_t *sums = acc;
    int32_t x_sum = 0;
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        x_sum += x[j];
    }
    const uint32_t bias = (uint32_t)x_sum << (projection->weight_bits - 1u);
    uint32_t i = 0;
    DASSDP_TILES(DASSDP_ANALOGUE_TILE)
}
