/* int16 sums, which are proven to fit: exact modulo 2^16, see columns.h. */
#include "columns.h"
#include "kernels.h"

#define DASSDP_ANALOGUE_TILE(bytes, n)                                                            \
    for (; i + (bytes) * (n) <= row_bytes; i += (bytes) * (n)) {                                  \
        dassdp_halves_##bytes##_t all[n] = {0};                                                   \
        dassdp_halves_##bytes##_t odd[n] = {0};                                                   \
        for (uint32_t j = 0; j < projection->n_pre; j++) {                                        \
            const uint16_t x_j = (uint16_t)x[j];                                                  \
            _Pragma("GCC unroll 4")                                                               \
            for (uint32_t k = 0; k < (n); k++) {                                                  \
                dassdp_halves_##bytes##_t row;                                                    \
                memcpy(&row, image + j * row_bytes + i + k * (bytes), bytes);                     \
                all[k] += row * x_j;                                                              \
                odd[k] += (row >> 8) * x_j;                                                       \
            }                                                                                     \
        }                                                                                         \
        _Pragma("GCC unroll 4")                                                                   \
        for (uint32_t k = 0; k < (n); k++) {                                                      \
            dassdp_store_##bytes((int16_t *)acc + i + k * (bytes), all[k], odd[k], bias, kept);   \
        }                                                                                         \
    }

void dassdp_k_analogue_a16(const dassdp_projection_t *projection, void *acc, const int8_t *x,
                           uint32_t adds)
{
    const uint8_t *image = projection->factory;
    const uint32_t row_bytes = projection->row_bytes;
    const uint16_t kept = (uint16_t)(0u - adds);
    int32_t x_sum = 0;
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        x_sum += x[j];
    }
    const uint16_t bias = (uint16_t)((uint32_t)x_sum << (projection->weight_bits - 1u));
    uint32_t i = 0;
    DASSDP_TILES(DASSDP_ANALOGUE_TILE)
}
