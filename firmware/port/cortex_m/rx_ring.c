/* Received bytes on their way from the interrupt to the main loop.
 * head and tail run freely modulo 2^16; head - tail bytes wait. */
#include "dassdp_board.h"
#include "uart.h"

_Static_assert((DASSDP_RX_RING & (DASSDP_RX_RING - 1U)) == 0U && DASSDP_RX_RING <= 32768U,
               "the ring is a power of two below 2^16");

static struct {
    volatile uint32_t lost;
    volatile uint16_t head; /* written by the interrupt only */
    volatile uint16_t tail; /* written by the main loop only */
    volatile uint8_t bytes[DASSDP_RX_RING];
} dassdp_rx;

_Static_assert(sizeof dassdp_rx == DASSDP_RX_RAM_BYTES, "the ledger counts on this size");

static uint32_t waiting(uint32_t tail) {
    return (dassdp_rx.head - tail) & 0xFFFFU;
}

int dassdp_rx_has_room(void) {
    if (waiting(dassdp_rx.tail) < DASSDP_RX_RING) {
        return 1;
    }
    dassdp_uart_irq_off();
    return 0;
}

void dassdp_rx_push(uint8_t byte) {
    uint32_t head = dassdp_rx.head;
    dassdp_rx.bytes[head & (DASSDP_RX_RING - 1U)] = byte;
    dassdp_rx.head = (uint16_t)(head + 1U);
}

void dassdp_rx_overrun(void) {
    dassdp_rx.lost++;
}

int dassdp_rx_is_empty(void) {
    return waiting(dassdp_rx.tail) == 0U;
}

int dassdp_rx_pop(void) {
    if (dassdp_rx_is_empty()) {
        return -1;
    }
    uint32_t tail = dassdp_rx.tail;
    int byte = dassdp_rx.bytes[tail & (DASSDP_RX_RING - 1U)];
    dassdp_rx.tail = (uint16_t)(tail + 1U);
    if (waiting(tail) >= DASSDP_RX_RING) { /* read after the store: off is never missed */
        dassdp_uart_irq_on();
    }
    return byte;
}

uint32_t dassdp_rx_lost(void) {
    return dassdp_rx.lost;
}
