/* One UART. A driver receives by interrupt into the ring of cortex_m/rx_ring.c and sends by waiting. */
#ifndef DASSDP_UART_H
#define DASSDP_UART_H

#include <stdint.h>

/* By the driver. */
void dassdp_uart_init(void); /* baud rate, 8N1, RX interrupt at the peripheral */
void dassdp_uart_put(uint8_t byte);
void dassdp_uart_isr(void); /* in the vector table */

/* By cortex_m/rx_ring.c: one producer (the interrupt), one consumer (the main loop). */
void dassdp_rx_push(uint8_t byte);
void dassdp_rx_overrun(void); /* the UART itself lost a byte */
int dassdp_rx_pop(void);      /* -1: empty */
int dassdp_rx_is_empty(void);
uint32_t dassdp_rx_lost(void);

static inline volatile uint32_t *dassdp_register(uint32_t address) {
    return (volatile uint32_t *)address;
}

#endif
