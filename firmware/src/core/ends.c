/* Input values that stand at an end of int8. */
#include "network.h"

uint32_t dassdp_count_ends(const dassdp_model_t *model, const int8_t *x)
{
    uint32_t n = 0;
    const int8_t *end = x + model->x_bytes;
    for (const int8_t *value = x + model->values_off; value < end; value++) {
        n += (uint32_t)((uint32_t)(*value + 126) > 252u); /* 127, -127, -128 */
    }
    return n;
}
