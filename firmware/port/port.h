/* What the firmware asks of a chip: bytes in and out, a counter, the stack. */
#ifndef DASSDP_PORT_H
#define DASSDP_PORT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void dassdp_port_init(void);           /* clocks, pins, UART with RX interrupt, counter */
int dassdp_port_get(void);             /* the next received byte, or -1 */
void dassdp_port_put(uint8_t byte);    /* waits until the UART takes it */
void dassdp_port_wait(void);           /* sleeps until an interrupt, unless a byte is waiting */
uint32_t dassdp_port_ticks(void);      /* free-running, upwards; differences hold modulo 2^tick_bits */
uint32_t dassdp_port_tick_bits(void);
uint32_t dassdp_port_stack_size(void); /* bytes reserved */
uint32_t dassdp_port_stack_used(void); /* bytes below the painted high-water mark */
uint32_t dassdp_port_rx_lost(void);    /* bytes that the UART lost, as it tells */

#ifdef __cplusplus
}
#endif

#endif
