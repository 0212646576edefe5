/* Consistent Overhead Byte Stuffing (Cheshire and Baker 1999): frames without a zero byte. */
#ifndef DASSDP_COBS_H
#define DASSDP_COBS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DASSDP_COBS_MORE = 0, DASSDP_COBS_FRAME = 1, DASSDP_COBS_BAD = 2 };

typedef struct {
    uint8_t *bytes;    /* the caller's buffer */
    uint32_t capacity;
    uint32_t length;   /* decoded so far; of the whole frame after DASSDP_COBS_FRAME */
    uint8_t code;      /* of the current block, 0 between frames */
    uint8_t n_left;    /* bytes until the next code */
    uint8_t is_long;   /* the frame did not fit: dropped up to the next zero */
    uint8_t reserved;
} dassdp_cobs_decoder_t;

/* One received byte. DASSDP_COBS_FRAME: bytes[0 .. length) hold a frame until the next call.
 * DASSDP_COBS_BAD: a frame that was cut or too long just ended. Empty frames are not reported. */
int dassdp_cobs_decode(dassdp_cobs_decoder_t *decoder, uint8_t byte);

/* Encodes n_bytes through dassdp_port_put, without the zero that ends a frame. */
void dassdp_cobs_send(const uint8_t *bytes, uint32_t n_bytes);

#ifdef __cplusplus
}
#endif

#endif
