#include "accumulate.h"

void dassdp_k_accumulate_s6(const dassdp_projection_t *projection, void *acc,
                            const dassdp_row_t *rows, uint32_t n_rows, uint32_t adds,
                            const void *image)
{
    dassdp_accumulate(projection, acc, rows, n_rows, adds, image, 4u);
}
