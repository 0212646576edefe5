/* The delta rule of the readout. */
#include "delta.h"

void dassdp_delta_learn(const dassdp_model_t *model, void *state,
                        const dassdp_projection_t *projection)
{
    const dassdp_delta_rule_t *rule = dassdp_constants(projection);
    dassdp_factors_learn(&rule->factors, model, state, projection);
}
