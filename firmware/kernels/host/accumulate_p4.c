/* Two weights to a byte. Nibbles of up to 16 rows add up in bytes, 16 * 15 <= 240, before they are
 * widened: words of low and of high nibbles' sums in turn are words of an image of bytes. */
#include "columns.h"
#include "kernels.h"

enum { TOGETHER = 16 };

#define ACCUMULATE_TILE(bytes, n)                                                                 \
    for (; i + (bytes) * (n) <= row_bytes; i += (bytes) * (n)) {                                  \
        dassdp_halves_##bytes##_t all[2 * (n)] = {0};                                             \
        dassdp_halves_##bytes##_t odd[2 * (n)] = {0};                                             \
        for (uint32_t a = 0; a < n_rows;) {                                                       \
            const uint32_t end = n_rows - a < TOGETHER ? n_rows : a + TOGETHER;                   \
            dassdp_bytes_##bytes##_t low[n] = {0};                                                \
            dassdp_bytes_##bytes##_t high[n] = {0};                                               \
            for (; a < end; a++) {                                                                \
                _Pragma("GCC unroll 4")                                                           \
                for (uint32_t k = 0; k < (n); k++) {                                              \
                    dassdp_words_##bytes##_t next;                                                \
                    memcpy(&next, dassdp_row(image, rows[a]) + i + k * (bytes), bytes);           \
                    low[k] += (dassdp_bytes_##bytes##_t)(next & 0x0F0F0F0Fu);                     \
                    high[k] += (dassdp_bytes_##bytes##_t)((next >> 4) & 0x0F0F0F0Fu);             \
                }                                                                                 \
            }                                                                                     \
            _Pragma("GCC unroll 4")                                                               \
            for (uint32_t k = 0; k < (n); k++) {                                                  \
                dassdp_halves_##bytes##_t first = (dassdp_halves_##bytes##_t)DASSDP_SHUFFLE(      \
                    dassdp_words_##bytes##_t, (dassdp_words_##bytes##_t)low[k],                   \
                    (dassdp_words_##bytes##_t)high[k], DASSDP_FIRST_##bytes);                     \
                dassdp_halves_##bytes##_t second = (dassdp_halves_##bytes##_t)DASSDP_SHUFFLE(     \
                    dassdp_words_##bytes##_t, (dassdp_words_##bytes##_t)low[k],                   \
                    (dassdp_words_##bytes##_t)high[k], DASSDP_SECOND_##bytes);                    \
                all[2u * k] += first;                                                             \
                odd[2u * k] += first >> 8;                                                        \
                all[2u * k + 1u] += second;                                                       \
                odd[2u * k + 1u] += second >> 8;                                                  \
            }                                                                                     \
        }                                                                                         \
        _Pragma("GCC unroll 8")                                                                   \
        for (uint32_t k = 0; k < 2u * (n); k++) {                                                 \
            dassdp_store_##bytes((int16_t *)acc + 2u * i + k * (bytes), all[k], odd[k], bias,     \
                                 kept);                                                           \
        }                                                                                         \
    }

void dassdp_k_accumulate_p4(const dassdp_projection_t *projection, void *acc,
                            const dassdp_row_t *rows, uint32_t n_rows, uint32_t adds,
                            const void *image)
{
    const uint16_t bias = (uint16_t)(n_rows << 3);
    const uint16_t kept = (uint16_t)(0u - adds);
    const uint32_t row_bytes = projection->row_bytes;
    uint32_t i = 0;
    DASSDP_TILES(ACCUMULATE_TILE)
    if (i != row_bytes) { /* the last 8 columns: bytes of both nibbles of a word, widened row by row */
        dassdp_halves_8_t all = {0};
        dassdp_halves_8_t odd = {0};
        for (uint32_t a = 0; a < n_rows; a++) {
            uint32_t word;
            memcpy(&word, dassdp_row(image, rows[a]) + i, sizeof word);
            dassdp_words_8_t both = {word & 0x0F0F0F0Fu, (word >> 4) & 0x0F0F0F0Fu};
            all += (dassdp_halves_8_t)both;
            odd += (dassdp_halves_8_t)both >> 8;
        }
        dassdp_store_8((int16_t *)acc + 2u * i, all, odd, bias, kept);
    }
}
