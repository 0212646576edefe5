/* PL011, its FIFO in use. The receive interrupt comes at two bytes, the timeout's for a lone one. */
#include "dassdp_board.h"
#include "uart.h"

enum {
    DR = 0x00,
    FR = 0x18,
    IBRD = 0x24,
    FBRD = 0x28,
    LCRH = 0x2C,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38
};
enum { DR_OE = 1 << 11, FR_RXFE = 1 << 4, FR_TXFF = 1 << 5 };
enum { LCRH_8_BITS = 3 << 5, LCRH_FIFO = 1 << 4 };
enum { CR_ENABLE = 1 << 0, CR_TX = 1 << 8, CR_RX = 1 << 9 };
enum { INT_RX = 1 << 4, INT_TIMEOUT = 1 << 6 };

#define UART(offset) (*dassdp_register(DASSDP_UART_BASE + (uint32_t)(offset)))

/* The divider counts 64ths; writing LCRH takes it over. */
void dassdp_uart_init(void) {
    UART(CR) = 0;
    UART(IBRD) = DASSDP_UART_BAUD_REGISTER >> 6;
    UART(FBRD) = DASSDP_UART_BAUD_REGISTER & 63U;
    UART(LCRH) = LCRH_8_BITS | LCRH_FIFO;
    UART(IFLS) = 0; /* at an eighth */
    UART(IMSC) = INT_RX | INT_TIMEOUT;
    UART(CR) = CR_ENABLE | CR_TX | CR_RX;
}

void dassdp_uart_put(uint8_t byte) {
    while ((UART(FR) & FR_TXFF) != 0U) {
    }
    UART(DR) = byte;
}

/* Emptying the FIFO acknowledges both interrupts. Writing ICR would lose that of bytes which have
 * to stay there. */
void dassdp_uart_isr(void) {
    while ((UART(FR) & FR_RXFE) == 0U && dassdp_rx_has_room()) {
        uint32_t data = UART(DR);
        if ((data & DR_OE) != 0U) {
            dassdp_rx_overrun();
        }
        dassdp_rx_push((uint8_t)data);
    }
}
