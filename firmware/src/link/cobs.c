#include "cobs.h"

#include "port.h"

enum { FULL_BLOCK = 0xFF };

static void append(dassdp_cobs_decoder_t *decoder, uint8_t byte)
{
    if (decoder->length < decoder->capacity) {
        decoder->bytes[decoder->length] = byte;
        decoder->length++;
    } else {
        decoder->is_long = 1;
    }
}

static int end_frame(dassdp_cobs_decoder_t *decoder)
{
    int result = DASSDP_COBS_FRAME;
    if (decoder->code == 0) {
        result = DASSDP_COBS_MORE;
    } else if (decoder->n_left != 0 || decoder->is_long != 0) {
        result = DASSDP_COBS_BAD;
    }
    decoder->code = 0;
    decoder->n_left = 0;
    decoder->is_long = 0;
    return result;
}

int dassdp_cobs_decode(dassdp_cobs_decoder_t *decoder, uint8_t byte)
{
    if (byte == 0) {
        return end_frame(decoder);
    }
    if (decoder->n_left != 0) {
        append(decoder, byte);
        decoder->n_left--;
        return DASSDP_COBS_MORE;
    }
    if (decoder->code == 0) {
        decoder->length = 0;
    } else if (decoder->code != FULL_BLOCK) {
        append(decoder, 0);
    }
    decoder->code = byte;
    decoder->n_left = (uint8_t)(byte - 1);
    return DASSDP_COBS_MORE;
}

void dassdp_cobs_send(const uint8_t *bytes, uint32_t n_bytes)
{
    uint32_t begin = 0;
    for (;;) {
        uint32_t end = begin;
        while (end < n_bytes && end - begin < FULL_BLOCK - 1 && bytes[end] != 0) {
            end++;
        }
        dassdp_port_put((uint8_t)(end - begin + 1));
        for (uint32_t i = begin; i < end; i++) {
            dassdp_port_put(bytes[i]);
        }
        if (end >= n_bytes) {
            return;
        }
        begin = end - begin == FULL_BLOCK - 1 ? end : end + 1; /* the zero is in the code */
    }
}
