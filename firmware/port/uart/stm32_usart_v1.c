/* USART of STM32 F1, F2, F4, L1. Reading SR then DR acknowledges both a byte and an overrun. */
#include "dassdp_board.h"
#include "uart.h"

enum { SR = 0x00, DR = 0x04, BRR = 0x08, CR1 = 0x0C };
enum { SR_ORE = 1 << 3, SR_RXNE = 1 << 5, SR_TXE = 1 << 7 };
enum { CR1_RE = 1 << 2, CR1_TE = 1 << 3, CR1_RXNEIE = 1 << 5, CR1_UE = 1 << 13 };

#define USART(offset) (*dassdp_register(DASSDP_UART_BASE + (uint32_t)(offset)))

void dassdp_uart_init(void) {
    USART(BRR) = DASSDP_UART_BAUD_REGISTER;
    USART(CR1) = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;
}

void dassdp_uart_put(uint8_t byte) {
    while ((USART(SR) & SR_TXE) == 0U) {
    }
    USART(DR) = byte;
}

void dassdp_uart_isr(void) {
    if (!dassdp_rx_has_room()) {
        return;
    }
    uint32_t sr = USART(SR);
    if ((sr & SR_ORE) != 0U) {
        dassdp_rx_overrun();
    }
    if ((sr & (SR_RXNE | SR_ORE)) != 0U) {
        uint8_t byte = (uint8_t)USART(DR);
        if ((sr & SR_RXNE) != 0U) {
            dassdp_rx_push(byte);
        }
    }
}
