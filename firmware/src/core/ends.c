/* Input values that stand at an end of int8. */
#include "network.h"

uint32_t dassdp_count_ends(const dassdp_model_t *model, const int8_t *x)
{
    uint32_t n = 0;
    const int8_t *end = x + model->x_bytes;
    for (const int8_t *value = x + model->values_off; value < end; value++) {
        n += (uint32_t)(*value * *value + 255) >> 14; /* 1 from 127^2 on, 0 up to 126^2 */
    }
    return n;
}
