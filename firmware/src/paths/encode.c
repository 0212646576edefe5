/* Inputs whose spikes are made here, of a list of events or of raw samples. */
#include "encode.h"

#include <string.h>

#include "fixed.h"
#include "kernels.h"
#include "state.h"

enum { END_OF_STEP = 0xFFFF, NUMBER_MAX = 255 };

void dassdp_encode(const dassdp_model_t *model, void *state, uint32_t t_step)
{
    const dassdp_coding_t *coding = model->coding;
    for (uint32_t k = 0; k < coding->n_coders; k++) {
        const dassdp_coder_t *coder = &coding->coders[k];
        uint32_t row_bytes = DASSDP_WORDS((uint32_t)coder->n_neurons) * 4u;
        uint32_t *spk_bits = dassdp_at(state, (uint32_t)coder->spk_off);
        memset(spk_bits, 0, row_bytes);
        coder->encode(coder, state,
                      dassdp_at_const(state, (uint32_t)model->x_off + coder->x_off), t_step);
        if (coder->n_history != 0u) {
            uint32_t row = t_step % coder->n_history;
            memcpy(dassdp_at(state, (uint32_t)coder->history_off + row * row_bytes), spk_bits,
                   row_bytes);
        }
    }
}

static void fire(uint32_t *spk_bits, uint32_t idx)
{
    spk_bits[idx >> 5] |= 1u << (idx & 31u);
}

void dassdp_encode_events(const dassdp_coder_t *coder, void *state, const void *x,
                          uint32_t t_step)
{
    const uint16_t *list = x;
    uint32_t *spk_bits = dassdp_at(state, (uint32_t)coder->spk_off);
    uint32_t *cursor = dassdp_at(state, (uint32_t)coder->coder_off);
    uint8_t *numbers = coder->multi_off < 0 ? 0 : dassdp_at(state, (uint32_t)coder->multi_off);
    uint32_t at = t_step == 0u ? 0u : *cursor;
    if (numbers != 0) {
        memset(numbers, 0, coder->n_neurons);
    }
    while (at < coder->n_listed) {
        uint32_t idx = list[at++];
        if (idx == END_OF_STEP) {
            break;
        }
        if (idx < coder->n_neurons) {
            fire(spk_bits, idx);
            if (numbers != 0 && numbers[idx] < NUMBER_MAX) {
                numbers[idx]++;
            }
        }
    }
    *cursor = at;
}

void dassdp_encode_latency(const dassdp_coder_t *coder, void *state, const void *x,
                           uint32_t t_step)
{
    const int8_t *codes = x;
    uint32_t *spk_bits = dassdp_at(state, (uint32_t)coder->spk_off);
    for (uint32_t i = 0; i < coder->n_raw; i++) {
        if (codes[i] > 0 && coder->table[codes[i]] == t_step) {
            fire(spk_bits, i);
        }
    }
}

void dassdp_encode_rate(const dassdp_coder_t *coder, void *state, const void *x, uint32_t t_step)
{
    const int8_t *codes = x;
    uint32_t *spk_bits = dassdp_at(state, (uint32_t)coder->spk_off);
    uint32_t *rng = dassdp_at(state, (uint32_t)coder->coder_off);
    uint32_t random = 0;
    if (t_step == 0u) {
        *rng = coder->seed;
    }
    for (uint32_t i = 0; i < coder->n_raw; i++, random >>= 8) {
        if ((i & 3u) == 0u) {
            random = dassdp_random(rng);
        }
        if ((int32_t)((random & 255u) >> 1) < codes[i]) {
            fire(spk_bits, i);
        }
    }
}

void dassdp_encode_delta(const dassdp_coder_t *coder, void *state, const void *x,
                         uint32_t t_step)
{
    const int8_t *codes = (const int8_t *)x + t_step * coder->n_raw;
    uint32_t *spk_bits = dassdp_at(state, (uint32_t)coder->spk_off);
    int16_t *level = dassdp_at(state, (uint32_t)coder->coder_off);
    const int32_t step = coder->step;
    uint32_t channel = 0;
    for (uint32_t i = 0, on = 0; i < coder->n_raw; i++, on++) {
        if (channel == coder->n_channels) {
            channel = 0;
            on += coder->n_channels;
        }
        channel++;
        if (t_step == 0u) {
            level[i] = codes[i];
        }
        int32_t change = codes[i] - level[i];
        if (change >= step) {
            fire(spk_bits, on);
            level[i] = dassdp_narrow_s16(level[i] + step);
        } else if (change <= -step) {
            fire(spk_bits, on + coder->n_channels);
            level[i] = dassdp_narrow_s16(level[i] - step);
        }
    }
}
