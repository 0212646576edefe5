#include "loopback.h"

#include "dassdp_quantities.h"
#include "host_flash.h"
#include "host_model.h"
#include "link.h"
#include "port.h"

static dassdp_link_t link_of_host;

static uint32_t n_starts; /* of this process: no two read the same */

static struct {
    uint8_t *bytes;
    uint32_t capacity;
    uint32_t n_bytes;
} output;

static dassdp_boot_t boot;
static uint8_t pool[DASSDP_LINK_POOL_BYTES];

static int start(uint16_t n_boots, uint8_t cause)
{
    dassdp_host_flash_use(&dassdp_host_flash);
    boot = (dassdp_boot_t){.n_boots = n_boots, .cause = cause};
    n_starts++;
    const dassdp_model_t *model = dassdp_host_slots()->model;
    const dassdp_host_memory_t *memory = &dassdp_host_memory;
    dassdp_init(model, memory->state);
    int status = dassdp_link_init(&link_of_host, model, memory->state, memory->request,
                                  memory->request_bytes, memory->response,
                                  memory->response_bytes);
    if (status == DASSDP_OK) {
        (void)dassdp_link_load(&link_of_host, dassdp_host_slots());
    }
    return status;
}

int dassdp_loopback_boot(void)
{
    for (uint32_t i = 0; i < sizeof pool; i++) {
        pool[i] = 0;
    }
    return start(1, DASSDP_CAUSE_POWER);
}

int dassdp_loopback_reset(void) { return start((uint16_t)(boot.n_boots + 1), DASSDP_CAUSE_PIN); }

uint32_t dassdp_loopback_feed(const uint8_t *bytes, uint32_t n_bytes, uint8_t *sent,
                              uint32_t capacity)
{
    output.bytes = sent;
    output.capacity = capacity;
    output.n_bytes = 0;
    dassdp_host_flash_use(&dassdp_host_flash);
    for (uint32_t i = 0; i < n_bytes; i++) {
        dassdp_link_receive(&link_of_host, bytes[i]);
    }
    return output.n_bytes;
}

void dassdp_port_put(uint8_t byte)
{
    if (output.n_bytes < output.capacity) {
        output.bytes[output.n_bytes] = byte;
    }
    output.n_bytes++;
}

/* A computer has no counter that means anything for a chip, and no painted stack. That no two starts
 * read the same is all that its ticks tell. */
uint32_t dassdp_port_tick_bits(void) { return 0; }
uint32_t dassdp_port_ticks(void) { return n_starts; }
uint32_t dassdp_port_counter(void) { return 255; }
uint32_t dassdp_port_stack_size(void) { return 0; }
uint32_t dassdp_port_stack_used(void) { return 0; }
uint32_t dassdp_port_rx_lost(void) { return 0; }
const dassdp_boot_t *dassdp_port_boot(void) { return &boot; }
void dassdp_port_feed(void) {}

/* As a chip whose RAM comes up alike each time: what its clock reads is all that tells starts apart. */
uint8_t *dassdp_port_pool(void) { return pool; }
