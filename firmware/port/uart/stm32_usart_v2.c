/* USART of STM32 F0, F3, F7, G0, G4, H7, L4, U5, WB. Reading RDR acknowledges a byte; an overrun stays,
 * and its interrupt with it, until it is cleared. */
#include "dassdp_board.h"
#include "uart.h"

enum { CR1 = 0x00, BRR = 0x0C, ISR = 0x1C, ICR = 0x20, RDR = 0x24, TDR = 0x28 };
enum { CR1_UE = 1 << 0, CR1_RE = 1 << 2, CR1_TE = 1 << 3, CR1_RXNEIE = 1 << 5 };
enum { ISR_ORE = 1 << 3, ISR_RXNE = 1 << 5, ISR_TXE = 1 << 7, ICR_ORECF = 1 << 3 };

#define USART(offset) (*dassdp_register(DASSDP_UART_BASE + (uint32_t)(offset)))

_Static_assert(DASSDP_UART_BAUD_REGISTER >= 16U, "BRR is 16 at least");

void dassdp_uart_init(void) {
    USART(BRR) = DASSDP_UART_BAUD_REGISTER;
    USART(CR1) = CR1_UE | CR1_TE | CR1_RE | CR1_RXNEIE;
}

void dassdp_uart_put(uint8_t byte) {
    while ((USART(ISR) & ISR_TXE) == 0U) {
    }
    USART(TDR) = byte;
}

void dassdp_uart_isr(void) {
    uint32_t isr = USART(ISR);
    if ((isr & ISR_ORE) != 0U) {
        USART(ICR) = ICR_ORECF; /* written one: cleared */
        dassdp_rx_overrun();
    }
    if ((isr & ISR_RXNE) != 0U && dassdp_rx_has_room()) {
        dassdp_rx_push((uint8_t)USART(RDR));
    }
}
