/* What the firmware asks of a chip: bytes in and out, a counter, the stack, how it came to run. */
#ifndef DASSDP_PORT_H
#define DASSDP_PORT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the firmware came to run; HELLO tells it. */
typedef struct {
    uint32_t fault_pc;  /* of the same: the instruction, 0 where it is not known */
    uint32_t image_crc; /* CRC-32 of the flash image, taken at the start; 0: not taken */
    uint16_t n_boots;   /* starts since RAM was last without power, this one included; 0: not counted */
    uint8_t cause;      /* DASSDP_CAUSE_* of dassdp_quantities.h; from FAULT to FAULTING it counts faults in
                         * a row, from FAULTING on nothing may run */
    uint8_t fault;      /* of DASSDP_CAUSE_FAULT and _FAULTING: number of the exception, 0: main returned */
} dassdp_boot_t;

void dassdp_port_init(void);           /* clocks, pins, UART with RX interrupt, counter */
int dassdp_port_get(void);             /* the next received byte, or -1 */
void dassdp_port_put(uint8_t byte);    /* waits until the UART takes it */
void dassdp_port_wait(void);           /* sleeps until an interrupt, unless a byte is waiting */
uint32_t dassdp_port_ticks(void);      /* free-running, upwards; differences hold modulo 2^tick_bits */
uint32_t dassdp_port_tick_bits(void);
uint32_t dassdp_port_counter(void);    /* which of the board's counters it is, 255: not one of them */
uint32_t dassdp_port_stack_size(void); /* bytes reserved */
uint32_t dassdp_port_stack_used(void); /* bytes below the painted high-water mark */
uint32_t dassdp_port_rx_lost(void);    /* bytes that the UART lost, as it tells */
const dassdp_boot_t *dassdp_port_boot(void);
uint8_t *dassdp_port_pool(void);       /* of a locked build: 32 bytes that a reset leaves alone */
void dassdp_port_feed(void);           /* the watchdog: between steps, in a search, while waiting; may be empty */

#ifdef __cplusplus
}
#endif

#endif
