/* CRC-32 by nibbles, and digests of what two targets must agree on. */
#include "state.h"

uint32_t dassdp_crc32(uint32_t crc, const void *bytes, uint32_t n_bytes)
{
    static const uint32_t nibble[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    const uint8_t *at = bytes;
    crc = ~crc;
    for (uint32_t i = 0; i < n_bytes; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ nibble[crc & 15u];
        crc = (crc >> 4) ^ nibble[crc & 15u];
    }
    return ~crc;
}

uint32_t dassdp_digest_step(const dassdp_model_t *model, const void *state, uint32_t crc)
{
    for (uint32_t i = 0; i < model->n_populations; i++) {
        const dassdp_population_t *population = &model->populations[i];
        uint32_t n = population->n_neurons;
        crc = dassdp_crc32(crc, dassdp_at_const(state, (uint32_t)population->spk_off),
                           (n + 31u) / 32u * 4u);
        crc = dassdp_crc32(crc, dassdp_at_const(state, (uint32_t)population->v_off),
                           n * (population->v_is_wide != 0u ? 4u : 2u));
        if (population->dynamics != 0) {
            crc = population->dynamics->digest(population, state, crc);
        }
    }
    return crc;
}

uint32_t dassdp_digest_logits(const dassdp_model_t *model, const void *state, uint32_t crc)
{
    const dassdp_population_t *readout = &model->populations[model->readout];
    return dassdp_crc32(crc, dassdp_at_const(state, (uint32_t)readout->sum_off),
                        readout->n_neurons * 4u);
}

uint32_t dassdp_digest_learned(const dassdp_model_t *model, const void *state, uint32_t crc)
{
    if (dassdp_is_learning(model, state)) {
        return 0;
    }
    for (uint32_t p = 0; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->image_off >= 0) {
            crc = dassdp_crc32(crc, dassdp_image(projection, state),
                               projection->n_pre * projection->row_bytes);
        }
    }
    if (model->persist_end > model->persist_begin) {
        /* a batch begins with its losses */
        uint32_t end = model->n_batch > 1u ? (uint32_t)model->loss_off : model->persist_end;
        crc = dassdp_crc32(crc, dassdp_at_const(state, model->persist_begin),
                           end - model->persist_begin);
    }
    return crc;
}
