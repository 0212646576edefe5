/* The program of a board: the model answers requests for ever. All its memory is here.
 * Sizes are multiples of 4, so that .bss holds no padding and the ledger is exact. */
#include "dassdp_board.h"
#include "dassdp_program.h"
#include "link.h"
#include "port.h"

#define WHOLE_WORDS(n_bytes) (((n_bytes) + 3U) & ~3U)

static dassdp_program_state_t dassdp_state;
static dassdp_link_t dassdp_link;
static _Alignas(4) uint8_t dassdp_request[WHOLE_WORDS(DASSDP_PROGRAM_REQUEST_BYTES)];
static _Alignas(4) uint8_t dassdp_response[WHOLE_WORDS(DASSDP_PROGRAM_RESPONSE_BYTES)];

int main(void) {
    dassdp_port_init();
    dassdp_init(&dassdp_program, &dassdp_state);
    if (dassdp_link_init(&dassdp_link, &dassdp_program, &dassdp_state, dassdp_request,
                         sizeof dassdp_request, dassdp_response,
                         sizeof dassdp_response) != DASSDP_OK) {
        return 1;
    }
    for (;;) {
        int byte = dassdp_port_get();
        if (byte < 0) {
            dassdp_port_wait();
        } else {
            dassdp_link_receive(&dassdp_link, (uint8_t)byte);
        }
    }
}
