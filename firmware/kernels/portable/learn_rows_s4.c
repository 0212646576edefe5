#include "fixed.h"
#include "kernels.h"

void dassdp_k_learn_rows_s4(const dassdp_projection_t *projection, const dassdp_row_t *rows,
                            uint32_t n_rows, const int16_t *dw_q8, uint32_t *rng, void *image)
{
    const int32_t u_max = (int32_t)(1u << projection->weight_bits) - 1;
    for (uint32_t a = 0; a < n_rows; a++) {
        uint8_t *row = (uint8_t *)dassdp_row(image, rows[a]);
        for (uint32_t i = 0; i < projection->row_bytes; i += 4u) {
            uint32_t random = dassdp_random(rng);
            for (uint32_t b = 0; b < 4u; b++) {
                int32_t dither_q8 = (int32_t)((random >> (8u * b)) & 255u);
                int32_t wanted = row[i + b] + ((dw_q8[i + DASSDP_LANE(b)] + dither_q8) >> 8);
                row[i + b] = (uint8_t)dassdp_clip_s32(wanted, 0, u_max);
            }
        }
    }
}
