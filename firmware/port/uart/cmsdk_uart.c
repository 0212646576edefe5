/* UART of Arm's CMSDK: one byte in the receive buffer, a latched interrupt for each. */
#include "dassdp_board.h"
#include "uart.h"

enum { DATA = 0x00, STATE = 0x04, CTRL = 0x08, INTERRUPT = 0x0C, BAUDDIV = 0x10 };
enum { STATE_TX_FULL = 1 << 0, STATE_RX_FULL = 1 << 1, STATE_RX_OVERRUN = 1 << 3 };
enum { CTRL_TX = 1 << 0, CTRL_RX = 1 << 1, CTRL_RX_INTERRUPT = 1 << 3 };
enum { INTERRUPT_RX = 1 << 1 };

#define UART(offset) (*dassdp_register(DASSDP_UART_BASE + (uint32_t)(offset)))

_Static_assert(DASSDP_UART_BAUD_REGISTER >= 16U, "BAUDDIV is 16 at least");

void dassdp_uart_init(void) {
    UART(BAUDDIV) = DASSDP_UART_BAUD_REGISTER;
    UART(CTRL) = CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT;
}

void dassdp_uart_put(uint8_t byte) {
    while ((UART(STATE) & STATE_TX_FULL) != 0U) {
    }
    UART(DATA) = byte;
}

/* Acknowledged before the byte is read: the next one raises it again. */
void dassdp_uart_isr(void) {
    if ((UART(STATE) & STATE_RX_OVERRUN) != 0U) {
        UART(STATE) = STATE_RX_OVERRUN; /* written one: cleared */
        dassdp_rx_overrun();
    }
    while ((UART(STATE) & STATE_RX_FULL) != 0U && dassdp_rx_has_room()) {
        UART(INTERRUPT) = INTERRUPT_RX;
        dassdp_rx_push((uint8_t)UART(DATA));
    }
}
