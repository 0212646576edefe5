#include "kernels.h"

void dassdp_k_learn_rows_s8(const dassdp_projection_t *projection, const dassdp_row_t *rows,
                            uint32_t n_rows, const int16_t *dw_q8, uint32_t *rng, void *image)
{
    dassdp_k_learn_rows_s4(projection, rows, n_rows, dw_q8, rng, image);
}
