/* Outputs that are values in place of classes: their targets and their error. */
#include <string.h>

#include "dassdp_quantities.h"
#include "learn.h"
#include "network.h"
#include "state.h"

enum { TO_Q8 = DASSDP_VALUE_FRAC_BITS - 8 };

/* A logit below 2^31 times mul below 2^15, and a centre of an int32: no sum leaves an int64. */
static int64_t value_q11(const dassdp_values_t *values, const int32_t *logits, uint32_t c)
{
    int64_t product = (int64_t)logits[c] * values->mul;
    if (values->shift != 0u) {
        product = (product + ((int64_t)1 << (values->shift - 1u))) >> values->shift;
    }
    return product - values->centre_q11[c];
}

/* Of one output, in Q8, at most DASSDP_VALUE_ERROR_MAX_Q8. */
static int32_t error_q8(int32_t target_q11, int64_t value)
{
    int64_t error = (target_q11 - value + (1 << (TO_Q8 - 1))) >> TO_Q8;
    if (error > DASSDP_VALUE_ERROR_MAX_Q8) {
        return DASSDP_VALUE_ERROR_MAX_Q8;
    }
    return error < -DASSDP_VALUE_ERROR_MAX_Q8 ? -DASSDP_VALUE_ERROR_MAX_Q8 : (int32_t)error;
}

int dassdp_values_evaluate(const dassdp_model_t *model, void *state, dassdp_result_t *result)
{
    const dassdp_values_t *values = model->values;
    const int32_t *logits = dassdp_logits(model, state);
    const int16_t *target_q11 = dassdp_at_const(state, (uint32_t)values->target_off);
    const int32_t error_off = model->populations[model->readout].error_off;
    int16_t *err_q8 = error_off < 0 ? 0 : dassdp_at(state, (uint32_t)error_off);
    uint32_t squares = 0, largest = 0; /* at most 256 outputs of 2^20 */
    for (uint32_t c = 0; c < model->n_classes; c++) {
        int32_t error = error_q8(target_q11[c], value_q11(values, logits, c));
        uint32_t size = (uint32_t)(error < 0 ? -error : error);
        squares += size * size;
        largest = size > largest ? size : largest;
        if (err_q8 != 0) {
            err_q8[c] = (int16_t)error;
        }
    }
    uint32_t loss_q8 = (squares / model->n_classes) >> 8;
    result->loss_q8 = (uint16_t)(loss_q8 < DASSDP_LOSS_MAX_Q8 ? loss_q8 : DASSDP_LOSS_MAX_Q8);
    if (err_q8 == 0) {
        return 0;
    }
    result->is_skipped = largest < model->skip_below_q8;
    return result->is_skipped == 0u;
}

void dassdp_store_target(const dassdp_model_t *model, const void *state, uint32_t *stored)
{
    const uint32_t n_bytes = dassdp_target_bytes(model);
    stored[(n_bytes - 1u) >> 2] = 0; /* half of it may be nothing */
    memcpy(stored, dassdp_at_const(state, (uint32_t)model->values->target_off), n_bytes);
}

void dassdp_load_target(const dassdp_model_t *model, void *state, const uint32_t *stored)
{
    memcpy(dassdp_at(state, (uint32_t)model->values->target_off), stored,
           dassdp_target_bytes(model));
}

int dassdp_set_target(const dassdp_model_t *model, void *state, const int16_t *target_q11)
{
    if (dassdp_values(model) == 0) {
        return DASSDP_E_ABSENT;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    memcpy(dassdp_at(state, (uint32_t)model->values->target_off), target_q11,
           dassdp_target_bytes(model));
    return DASSDP_OK;
}

int dassdp_value(const dassdp_model_t *model, const void *state, uint32_t output, int32_t *value)
{
    if (dassdp_values(model) == 0) {
        return DASSDP_E_ABSENT;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    if (output >= model->n_classes) {
        return DASSDP_E_INDEX;
    }
    int64_t found = value_q11(model->values, dassdp_logits(model, state), output);
    int64_t most = INT32_MAX;
    *value = (int32_t)(found > most ? most : found < -most ? -most : found);
    return DASSDP_OK;
}
