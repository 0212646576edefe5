/* The device's side of the link: received bytes in, answers out through dassdp_port_put.
 *
 *     static uint8_t request[DASSDP_LINK_REQUEST_BYTES];    // sizes from <name>_model.h
 *     static uint8_t response[DASSDP_LINK_RESPONSE_BYTES];
 *     static dassdp_link_t link;
 *     dassdp_init(&dassdp_model, &state);
 *     dassdp_link_init(&link, &dassdp_model, &state, request, sizeof request, response,
 *                      sizeof response);
 *     for (;;) { dassdp_link_receive(&link, byte); }
 *
 * A request is executed exactly once: the next sequence number runs, the last one is answered
 * again from the response buffer, any other is ignored. No session comes back: the device counts
 * them. docs/protocol.md has the rest. */
#ifndef DASSDP_LINK_H
#define DASSDP_LINK_H

#include <stdint.h>

#include "cobs.h"
#include "dassdp.h"
#include "dassdp_board.h"
#include "dassdp_messages.h"
#include "dassdp_store.h"

/* 1: the device has slots for what it learned; 0 leaves out what they need. */
#ifndef DASSDP_STORES
#define DASSDP_STORES 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const dassdp_model_t *model;
    void *state;
    uint8_t *response;        /* the last response, header to CRC */
    uint32_t response_length; /* 0: nothing was executed in this session */
    dassdp_cobs_decoder_t request;
    uint32_t session;         /* the newest; they count upwards. 0: nothing received yet */
    uint32_t host;            /* the random number of the host that opened it, 0: none did */
    uint32_t last_session;    /* the one before, as OPEN tells */
    uint32_t n_received;      /* bytes of a sample in pieces */
    uint32_t frames_good;
    uint32_t frames_bad;      /* cut, too long, or with a wrong CRC */
    uint16_t sequence;        /* of the last request executed */
    uint16_t last_sequence;   /* of the last request executed in last_session */
    uint8_t is_held;          /* nothing may run */
    uint8_t is_torn;          /* something of what is learned was written since */
    uint8_t is_signed;        /* of a locked build: each request of this session bears a tag */
    uint8_t is_streaming;     /* a host opened a stream */
#if DASSDP_STORES
    const dassdp_slots_t *slots; /* NULL: none were given */
    dassdp_saved_t saved;
#endif
} dassdp_link_t;

/* DASSDP_OK, or DASSDP_E_SIZE when a buffer is smaller than the model's largest frame or a long
 * sample has no memory in the state. The state must be initialised already. */
int dassdp_link_init(dassdp_link_t *link, const dassdp_model_t *model, void *state,
                     uint8_t *request, uint32_t request_bytes, uint8_t *response,
                     uint32_t response_bytes);

#if DASSDP_STORES
/* Once, behind dassdp_link_init: the newest save in these slots into the state; hosts may save to them
 * from now on. Returns what dassdp_store_load does. */
int dassdp_link_load(dassdp_link_t *link, const dassdp_slots_t *slots);
#endif

/* One received byte. The last byte of a valid request runs it and sends the answer. */
void dassdp_link_receive(dassdp_link_t *link, uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
