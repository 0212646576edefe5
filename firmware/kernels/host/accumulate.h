/* Sums of rows of biased bytes u = w + 2^(bits-1). Bytes of `together` rows are added first: their
 * sum is below 2^8. A list has at most 96 rows, so half-words hold every sum. */
#ifndef DASSDP_ACCUMULATE_H
#define DASSDP_ACCUMULATE_H

#include "columns.h"
#include "kernels.h"

/* Rows a to a + n_together - 1 into n vectors of `bytes` columns. */
#define DASSDP_ADD_ROWS(bytes, n, n_together)                                                     \
    _Pragma("GCC unroll 4")                                                                       \
    for (uint32_t k = 0; k < (n); k++) {                                                          \
        dassdp_bytes_##bytes##_t row = {0};                                                       \
        _Pragma("GCC unroll 4")                                                                   \
        for (uint32_t j = 0; j < (n_together); j++) {                                             \
            dassdp_bytes_##bytes##_t next;                                                        \
            memcpy(&next, dassdp_row(image, rows[a + j]) + i + k * (bytes), bytes);               \
            row += next;                                                                          \
        }                                                                                         \
        all[k] += (dassdp_halves_##bytes##_t)row;                                                 \
        odd[k] += (dassdp_halves_##bytes##_t)row >> 8;                                            \
    }

#define DASSDP_ACCUMULATE_TILE(bytes, n)                                                          \
    for (; i + (bytes) * (n) <= row_bytes; i += (bytes) * (n)) {                                  \
        dassdp_halves_##bytes##_t all[n] = {0};                                                   \
        dassdp_halves_##bytes##_t odd[n] = {0};                                                   \
        uint32_t a = 0;                                                                           \
        for (; together > 1u && a + together <= n_rows; a += together) {                          \
            DASSDP_ADD_ROWS(bytes, n, together)                                                   \
        }                                                                                         \
        for (; a < n_rows; a++) {                                                                 \
            DASSDP_ADD_ROWS(bytes, n, 1u)                                                         \
        }                                                                                         \
        _Pragma("GCC unroll 4")                                                                   \
        for (uint32_t k = 0; k < (n); k++) {                                                      \
            dassdp_store_##bytes((int16_t *)acc + i + k * (bytes), all[k], odd[k], bias, kept);   \
        }                                                                                         \
    }

DASSDP_INLINE void dassdp_accumulate(const dassdp_projection_t *projection, void *acc,
                                     const dassdp_row_t *rows, uint32_t n_rows, uint32_t adds,
                                     const void *image, uint32_t together)
{
    const uint16_t bias = (uint16_t)(n_rows << (projection->weight_bits - 1u));
    const uint16_t kept = (uint16_t)(0u - adds);
    const uint32_t row_bytes = projection->row_bytes;
    uint32_t i = 0;
    DASSDP_TILES(DASSDP_ACCUMULATE_TILE)
}

#endif
