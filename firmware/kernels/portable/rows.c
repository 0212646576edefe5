#include "kernels.h"

uint32_t dassdp_k_rows(dassdp_cursor_t *cursor, dassdp_row_t *rows)
{
    uint32_t n_rows = 0;
    while (cursor->n_words != 0u && n_rows <= DASSDP_ROWS_FULL) {
        uint32_t word = *cursor->spk_bits;
        while (word != 0u) {
            rows[n_rows++] = cursor->row + (uint32_t)__builtin_ctz(word) * cursor->row_bytes;
            word &= word - 1u;
        }
        cursor->spk_bits++;
        cursor->n_words--;
        cursor->row += 32u * cursor->row_bytes;
    }
    return n_rows;
}
