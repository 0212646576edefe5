/* Of a locked build: what the numbers of its sessions are drawn from, in RAM that a reset leaves alone.
 * Whatever RAM holds as power comes is noise enough; start-up adds that of the stack, before it paints it. */
#include "port.h"
#include "startup.h"

#if DASSDP_LOCKED
#include "dassdp_messages.h"

__attribute__((section(".bss.noinit"))) uint32_t dassdp_pool[DASSDP_POOL_WORDS];

_Static_assert(sizeof dassdp_pool == DASSDP_LINK_POOL_BYTES, "the link counts on this size");

uint8_t *dassdp_port_pool(void) {
    return (uint8_t *)dassdp_pool;
}

#endif
