/* One UART. A driver receives by interrupt into the ring of cortex_m/rx_ring.c and sends by
 * waiting. While the ring is full, bytes stay in the UART, its interrupt pending and off. */
#ifndef DASSDP_UART_H
#define DASSDP_UART_H

#include <stdint.h>

#include "dassdp_board.h"

/* By the driver. */
void dassdp_uart_init(void); /* baud rate, 8N1, RX interrupt at the peripheral */
void dassdp_uart_put(uint8_t byte);
void dassdp_uart_isr(void); /* in the vector table */

/* By cortex_m/rx_ring.c: one producer (the interrupt), one consumer (the main loop). */
int dassdp_rx_has_room(void);        /* 0: full, and the interrupt is off until a byte is popped */
void dassdp_rx_push(uint8_t byte);   /* after has_room, by the interrupt */
void dassdp_rx_overrun(void);        /* the UART lost a byte */
int dassdp_rx_pop(void);             /* -1: empty */
int dassdp_rx_is_empty(void);
uint32_t dassdp_rx_lost(void);

static inline volatile uint32_t *dassdp_register(uint32_t address) {
    return (volatile uint32_t *)address;
}

/* NVIC_ISER and NVIC_ICER. Off, an interrupt stays pending. */
static inline void dassdp_uart_irq_on(void) {
    *dassdp_register(0xE000E100UL + 4UL * (DASSDP_UART_IRQ / 32)) = 1UL << (DASSDP_UART_IRQ % 32);
}

static inline void dassdp_uart_irq_off(void) {
    *dassdp_register(0xE000E180UL + 4UL * (DASSDP_UART_IRQ / 32)) = 1UL << (DASSDP_UART_IRQ % 32);
}

#endif
