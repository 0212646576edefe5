#include "kernels.h"

void dassdp_k_analogue_s8(const dassdp_projection_t *projection, int32_t *acc, const int8_t *x)
{
    const uint8_t *row = projection->factory;
    int32_t bias = (int32_t)(1u << (projection->weight_bits - 1u));
    for (uint32_t j = 0; j < projection->n_pre; j++) {
        int32_t x_j = x[j];
        for (uint32_t i = 0; i < projection->row_bytes; i += 4u) {
            acc[i + 0u] += x_j * (row[i + 0u] - bias);
            acc[i + 2u] += x_j * (row[i + 1u] - bias);
            acc[i + 1u] += x_j * (row[i + 2u] - bias);
            acc[i + 3u] += x_j * (row[i + 3u] - bias);
        }
        row += projection->row_bytes;
    }
}
