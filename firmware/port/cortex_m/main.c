/* The program of a board: the model answers requests for ever. All its memory is here. Of a damaged
 * flash image, or one that faults again and again, nothing is run but what says so.
 * Sizes are multiples of 4, so that .bss holds no padding and the ledger is exact. */
#include "dassdp_board.h"
#include "dassdp_program.h"
#include "dassdp_quantities.h"
#include "dassdp_sensor.h"
#include "link.h"
#include "port.h"
#include "startup.h"

#define WHOLE_WORDS(n_bytes) (((n_bytes) + 3U) & ~3U)

static dassdp_program_state_t dassdp_state;
static dassdp_link_t dassdp_link;
static _Alignas(4) uint8_t dassdp_request[WHOLE_WORDS(DASSDP_PROGRAM_REQUEST_BYTES)];
static _Alignas(4) uint8_t dassdp_response[WHOLE_WORDS(DASSDP_PROGRAM_RESPONSE_BYTES)];

#if DASSDP_STORES
static uint32_t dassdp_unit[DASSDP_STORE_WRITE_BYTES / 4U];

static const dassdp_slots_t slots = {
    .model = &dassdp_program,
    .build = DASSDP_BUILD_HASH,
    .address = DASSDP_STORE_ORIGIN,
    .slot_bytes = DASSDP_STORE_SLOT_BYTES,
    .erase_bytes = DASSDP_STORE_ERASE_BYTES,
    .write_bytes = DASSDP_STORE_WRITE_BYTES,
    .save_every = DASSDP_PROGRAM_SAVE_EVERY,
    .unit = dassdp_unit,
};
#endif

/* A search for a profile takes longer than a watchdog waits. */
void dassdp_on_search(void) {
    dassdp_port_feed();
}

int main(void) {
    dassdp_port_init();
    uint32_t image_bytes = (uint32_t)dassdp_image_crc - (uint32_t)dassdp_image_begin;
    int is_readable = dassdp_unreadable(dassdp_image_begin, dassdp_image_crc) == 0U;
    dassdp_boot_image(is_readable ? dassdp_crc32(0, dassdp_image_begin, image_bytes) : 0U);
    if (dassdp_port_boot()->cause < DASSDP_CAUSE_FAULTING) {
        dassdp_init(&dassdp_program, &dassdp_state);
    }
    if (dassdp_link_init(&dassdp_link, &dassdp_program, &dassdp_state, dassdp_request,
                         sizeof dassdp_request, dassdp_response,
                         sizeof dassdp_response) != DASSDP_OK) {
        return 1;
    }
#if DASSDP_STORES
    if (dassdp_port_boot()->cause < DASSDP_CAUSE_FAULTING) {
        (void)dassdp_link_load(&dassdp_link, &slots);
    }
#endif
    for (;;) {
        dassdp_port_feed();
        int byte = dassdp_port_get();
        if (byte < 0) {
            dassdp_port_wait();
        } else {
            dassdp_link_receive(&dassdp_link, (uint8_t)byte);
            if (dassdp_link.sequence != 0U) {
                dassdp_boot_works();
            }
        }
    }
}
