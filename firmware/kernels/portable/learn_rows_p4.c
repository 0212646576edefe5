/* Like bytes, a word of eight columns as two groups of four: low nibbles, then high ones. */
#include "fixed.h"
#include "kernels.h"

void dassdp_k_learn_rows_p4(const dassdp_projection_t *projection, const dassdp_row_t *rows,
                            uint32_t n_rows, const int16_t *dw_q8, uint32_t *rng, void *image)
{
    for (uint32_t a = 0; a < n_rows; a++) {
        uint8_t *row = (uint8_t *)dassdp_row(image, rows[a]);
        const uint8_t *end = row + projection->row_bytes;
        for (const int16_t *dw = dw_q8; row < end; row += 4) {
            for (uint32_t shift = 0; shift < 8u; shift += 4u, dw += 4) {
                uint32_t random = dassdp_random(rng);
                for (uint32_t b = 0; b < 4u; b++) {
                    int32_t dither_q8 = (int32_t)((random >> (8u * b)) & 255u);
                    int32_t u = (row[b] >> shift) & 15;
                    u = dassdp_clip_s32(u + ((dw[DASSDP_LANE(b)] + dither_q8) >> 8), 0, 15);
                    row[b] = (uint8_t)((row[b] & (240u >> shift)) | ((uint32_t)u << shift));
                }
            }
        }
    }
}
