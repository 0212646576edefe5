#include "kernels.h"

int32_t dassdp_k_feedback(const dassdp_projection_t *projection, const void *image,
                          uint32_t pre_idx, const int16_t *err)
{
    int32_t sum = 0;
    if (projection->weight_bits == 16u) {
        uint32_t n_columns = projection->row_bytes >> 1;
        const int16_t *row = (const int16_t *)image + pre_idx * n_columns;
        for (uint32_t i = 0; i < projection->n_post; i++) {
            sum += row[i] * err[i];
        }
        return sum;
    }
    const uint8_t *row = (const uint8_t *)image + pre_idx * projection->row_bytes;
    int32_t bias = (int32_t)(1u << (projection->weight_bits - 1u));
    for (uint32_t i = 0; i < projection->n_post; i += 4u) {
        sum += (row[i + 0u] - bias) * err[i + 0u] + (row[i + 1u] - bias) * err[i + 2u]
               + (row[i + 2u] - bias) * err[i + 1u] + (row[i + 3u] - bias) * err[i + 3u];
    }
    return sum;
}
