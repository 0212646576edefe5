/* Error-modulated synchrony: docs/arithmetic.md has its equation and source. */
#include "error.h"

void dassdp_error_learn(const dassdp_model_t *model, void *state,
                        const dassdp_projection_t *projection)
{
    const dassdp_error_rule_t *rule = dassdp_constants(projection);
    dassdp_factors_learn(&rule->factors, model, state, projection);
}
