/* Spikes of neurons that an input does not have. */
#include "network.h"
#include "state.h"

void dassdp_clear_tails(const dassdp_model_t *model, int8_t *x)
{
    for (uint32_t i = 0; i < model->n_inputs; i++) {
        const dassdp_input_t *input = &model->inputs[i];
        uint32_t *tail = dassdp_at(x, input->x_off);
        for (uint32_t f = 0; input->tail_bits != 0u && f < input->n_frames; f++) {
            tail += input->frame_bytes >> 2;
            tail[-1] &= input->tail_bits;
        }
    }
}
