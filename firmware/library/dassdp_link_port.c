/* What the link asks of a chip, where an application does not say it: it gives dassdp_port_put alone, and
 * whatever else it knows; what it defines takes the place of what stands here. Without the link nothing of
 * this is linked. */
#include "dassdp_quantities.h"
#include "port.h"

#define OR_YOURS __attribute__((weak))

/* 0 bits: no clock, and outcomes tell no ticks. */
OR_YOURS uint32_t dassdp_port_ticks(void)
{
    return 0;
}

OR_YOURS uint32_t dassdp_port_tick_bits(void)
{
    return 0;
}

OR_YOURS uint32_t dassdp_port_counter(void)
{
    return 255;
}

/* 0: not known. */
OR_YOURS uint32_t dassdp_port_stack_size(void)
{
    return 0;
}

OR_YOURS uint32_t dassdp_port_stack_used(void)
{
    return 0;
}

OR_YOURS uint32_t dassdp_port_rx_lost(void)
{
    return 0;
}

OR_YOURS const dassdp_boot_t *dassdp_port_boot(void)
{
    static const dassdp_boot_t unknown;
    return &unknown;
}

OR_YOURS void dassdp_port_feed(void) {}
