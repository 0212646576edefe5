/* Where a vector of rows can be compressed by its spikes, no branch waits for their number. */
#include "kernels.h"

#if defined(__AVX512F__)
#include <immintrin.h>

/* Rows of the bits of 16 spikes; only these are written. */
static inline uint32_t list_rows(dassdp_row_t *rows, __m512i sixteen, uint32_t spikes)
{
    uint32_t n = (uint32_t)__builtin_popcount(spikes);
    _mm512_mask_storeu_epi32(rows, (__mmask16)((1u << n) - 1u),
                             _mm512_maskz_compress_epi32((__mmask16)spikes, sixteen));
    return n;
}

static inline uint32_t list_word(const dassdp_cursor_t *cursor, dassdp_row_t *rows)
{
    const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i row_bytes = _mm512_set1_epi32((int32_t)cursor->row_bytes);
    const __m512i row = _mm512_set1_epi32((int32_t)cursor->row);
    const __m512i low = _mm512_add_epi32(row, _mm512_mullo_epi32(first, row_bytes));
    const __m512i high = _mm512_add_epi32(low, _mm512_slli_epi32(row_bytes, 4));
    const uint32_t word = *cursor->spk_bits;
    uint32_t n = list_rows(rows, low, word & 0xFFFFu);
    return n + list_rows(rows + n, high, word >> 16);
}
#else
static inline uint32_t list_word(const dassdp_cursor_t *cursor, dassdp_row_t *rows)
{
    uint32_t n = 0;
    for (uint32_t word = *cursor->spk_bits; word != 0u; word &= word - 1u) {
        rows[n++] = cursor->row + (uint32_t)__builtin_ctz(word) * cursor->row_bytes;
    }
    return n;
}
#endif

uint32_t dassdp_k_rows(dassdp_cursor_t *cursor, dassdp_row_t *rows)
{
    uint32_t n_rows = 0;
    while (cursor->n_words != 0u && n_rows <= DASSDP_ROWS_FULL) {
        n_rows += list_word(cursor, rows + n_rows);
        cursor->spk_bits++;
        cursor->n_words--;
        cursor->row += 32u * cursor->row_bytes;
    }
    return n_rows;
}
