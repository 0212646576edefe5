#include "dassdp_quantize.h"

/* Of integers: exact. */
static int scale_integer(int64_t v, int32_t frac_bits, int64_t *scaled, int *is_whole)
{
    *is_whole = 1;
    if (frac_bits >= 0) {
        *scaled = v * ((int64_t)1 << frac_bits);
    } else {
        *scaled = (v + ((int64_t)1 << (-frac_bits - 1))) >> -frac_bits;
    }
    return DASSDP_OK;
}

int dassdp_value_i16(const void *values, uint32_t idx, int32_t frac_bits, int64_t *scaled,
                     int *is_whole)
{
    return scale_integer(((const int16_t *)values)[idx], frac_bits, scaled, is_whole);
}

int dassdp_value_i32(const void *values, uint32_t idx, int32_t frac_bits, int64_t *scaled,
                     int *is_whole)
{
    return scale_integer(((const int32_t *)values)[idx], frac_bits, scaled, is_whole);
}

/* Where a value stands, and where the next one of its input goes. */
typedef struct {
    const dassdp_quantizer_t *input;
    dassdp_value_fn *value;
    const void *values;
    uint32_t first;   /* of the input's values */
    uint8_t *out;     /* the input's bytes */
    uint32_t n_words; /* half-words of a list written */
    uint32_t n_left;  /* events that it still holds */
} cursor_t;

static uint8_t code(const dassdp_quantizer_t *input, uint32_t place, int64_t scaled)
{
    int64_t q = scaled - input->zero[input->stride * place];
    q = q < -127 ? -127 : (q > 127 ? 127 : q);
    return (uint8_t)(int8_t)q;
}

static void put_word(cursor_t *at, uint32_t word)
{
    at->out[2u * at->n_words] = (uint8_t)word;
    at->out[2u * at->n_words + 1u] = (uint8_t)(word >> 8);
    at->n_words++;
}

/* A number of spikes of the neuron at `place` of frame `frame`. */
static int put_spikes(cursor_t *at, uint32_t frame, uint32_t place, uint32_t n_spikes)
{
    const dassdp_quantizer_t *input = at->input;
    if (input->kind == DASSDP_QUANTIZER_SPIKES) {
        uint32_t frame_bytes = input->x_bytes / input->n_frames;
        uint8_t *byte = at->out + frame * frame_bytes + (place >> 3);
        *byte = (uint8_t)(*byte | n_spikes << (place & 7u));
        return DASSDP_OK;
    }
    if (n_spikes > at->n_left) {
        return DASSDP_E_VALUE;
    }
    at->n_left -= n_spikes;
    for (; n_spikes != 0u; n_spikes--) {
        put_word(at, place);
    }
    return DASSDP_OK;
}

/* One value, at `place` of a frame as the sample has it. */
static int put_value(cursor_t *at, uint32_t frame, uint32_t place)
{
    const dassdp_quantizer_t *input = at->input;
    uint32_t n_raw = input->n_channels * input->n_places;
    uint32_t natural = place % input->n_channels * input->n_places + place / input->n_channels;
    int is_code = input->kind == DASSDP_QUANTIZER_CODES;
    int64_t scaled = 0;
    int is_whole = 0;
    int status = at->value(at->values, at->first + frame * n_raw + natural,
                           is_code ? input->frac_bits[input->stride * place] : 0, &scaled,
                           &is_whole);
    if (status != DASSDP_OK) {
        return status;
    }
    if (is_code) {
        at->out[frame * n_raw + place] = code(input, place, scaled);
        return DASSDP_OK;
    }
    if (!is_whole || scaled < 0 || scaled > input->most) {
        return DASSDP_E_VALUE;
    }
    return put_spikes(at, frame, place, (uint32_t)scaled);
}

static int put_input(cursor_t *at)
{
    const dassdp_quantizer_t *input = at->input;
    uint32_t n_raw = input->n_channels * input->n_places;
    for (uint32_t i = 0; i < input->x_bytes; i++) {
        at->out[i] = input->kind == DASSDP_QUANTIZER_EVENTS ? 0xFFu : 0u;
    }
    for (uint32_t frame = 0; frame < input->n_frames; frame++) {
        for (uint32_t place = 0; place < n_raw; place++) {
            int status = put_value(at, frame, place);
            if (status != DASSDP_OK) {
                return status;
            }
        }
        if (input->kind == DASSDP_QUANTIZER_EVENTS) {
            put_word(at, 0xFFFFu); /* ends the step */
        }
    }
    return DASSDP_OK;
}

int dassdp_quantize(const dassdp_quantizer_t *inputs, uint32_t n_inputs, dassdp_value_fn *value,
                    const void *values, int8_t *x)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < n_inputs; i++) {
        cursor_t at = {
            .input = inputs + i,
            .value = value,
            .values = values,
            .first = first,
            .out = (uint8_t *)x + inputs[i].x_off,
            .n_left = inputs[i].n_events,
        };
        int status = put_input(&at);
        if (status != DASSDP_OK) {
            return status;
        }
        first += inputs[i].n_frames * inputs[i].n_channels * inputs[i].n_places;
    }
    return DASSDP_OK;
}
