/* UART of nRF51 and nRF52 without DMA. RXD is fed from a FIFO of six bytes: every reading of RXD
 * brings the next byte and its event, so the event is cleared before the reading. */
#include "dassdp_board.h"
#include "uart.h"

enum {
    TASKS_STARTRX = 0x000,
    TASKS_STARTTX = 0x008,
    EVENTS_RXDRDY = 0x108,
    EVENTS_TXDRDY = 0x11C,
    INTENSET = 0x304,
    ERRORSRC = 0x480,
    ENABLE = 0x500,
    RXD = 0x518,
    TXD = 0x51C,
    BAUDRATE = 0x524
};
enum { INTENSET_RXDRDY = 1 << 2, ERRORSRC_OVERRUN = 1 << 0, ENABLE_UART = 4 };

#define UART(offset) (*dassdp_register(DASSDP_UART_BASE + (uint32_t)(offset)))

void dassdp_uart_init(void) {
    UART(BAUDRATE) = DASSDP_UART_BAUD_REGISTER;
    UART(ENABLE) = ENABLE_UART;
    UART(EVENTS_RXDRDY) = 0;
    UART(EVENTS_TXDRDY) = 0;
    UART(INTENSET) = INTENSET_RXDRDY;
    UART(TASKS_STARTRX) = 1;
    UART(TASKS_STARTTX) = 1;
}

void dassdp_uart_put(uint8_t byte) {
    UART(EVENTS_TXDRDY) = 0;
    UART(TXD) = byte;
    while (UART(EVENTS_TXDRDY) == 0U) {
    }
}

void dassdp_uart_isr(void) {
    if ((UART(ERRORSRC) & ERRORSRC_OVERRUN) != 0U) {
        UART(ERRORSRC) = ERRORSRC_OVERRUN; /* written one: cleared */
        dassdp_rx_overrun();
    }
    if (UART(EVENTS_RXDRDY) != 0U && dassdp_rx_has_room()) {
        UART(EVENTS_RXDRDY) = 0;
        dassdp_rx_push((uint8_t)UART(RXD));
    }
}
