/* Vector table and reset: paint the stack, copy .data, clear .bss, see why it starts, run main. */
#include "startup.h"
#include "uart.h"

extern uint32_t dassdp_data_begin[], dassdp_data_end[], dassdp_bss_begin[], dassdp_bss_end[];
extern const uint32_t dassdp_data_image[];

int main(void);
void dassdp_reset_handler(void);

#if __ARM_ARCH > 6
#define SHCSR 0xE000ED24UL
#define SHCSR_FAULTS (7UL << 16) /* MemManage, BusFault, UsageFault as such, not as a HardFault */
#endif

void dassdp_reset_handler(void) {
    uint32_t sp;
    __asm volatile("mov %0, sp" : "=r"(sp));
    /* Volatile: no call may be made of this loop, its frame would lie in what is painted. */
    for (volatile uint32_t *word = dassdp_stack_begin; (uint32_t)word < sp; word++) {
#if DASSDP_LOCKED
        volatile uint32_t *pool = &dassdp_pool[((uint32_t)word >> 2) % DASSDP_POOL_WORDS];
        *pool = (*pool << 1 | *pool >> 31) ^ *word;
#endif
        *word = DASSDP_STACK_PAINT;
    }
    const uint32_t *image = dassdp_data_image;
    for (volatile uint32_t *word = dassdp_data_begin; word < dassdp_data_end; word++) {
        *word = *image++;
    }
    for (volatile uint32_t *word = dassdp_bss_begin; word < dassdp_bss_end; word++) {
        *word = 0;
    }
    dassdp_boot_begin();
#if __ARM_ARCH > 6
    *dassdp_register(SHCSR) |= SHCSR_FAULTS;
#endif
    (void)main();
    dassdp_fault_record(0U, 0);
}

typedef void (*handler_t)(void);

/* An application may have one interrupt of its own: -DDASSDP_APPLICATION_IRQ=9, SysTick is -1. */
#ifdef DASSDP_APPLICATION_IRQ
void dassdp_application_isr(void);
#define IRQ_LAST (DASSDP_APPLICATION_IRQ > DASSDP_UART_IRQ ? DASSDP_APPLICATION_IRQ : DASSDP_UART_IRQ)
#else
#define DASSDP_APPLICATION_IRQ (-2)
#define IRQ_LAST DASSDP_UART_IRQ
#endif

typedef struct {
    uint32_t *stack_end;
    handler_t system[15];
    handler_t irq[IRQ_LAST + 1];
} vectors_t;

__attribute__((section(".vectors"), used)) static const vectors_t dassdp_vectors = {
    .stack_end = dassdp_stack_end,
    .system = {
        [0] = dassdp_reset_handler,
        [1] = dassdp_nmi_handler,
        [2] = dassdp_fault_handler, /* HardFault */
        [3] = dassdp_fault_handler, /* MemManage */
        [4] = dassdp_bus_fault_handler,
        [5] = dassdp_fault_handler, /* UsageFault */
        [6] = dassdp_fault_handler, /* SecureFault */
        [10] = dassdp_fault_handler, /* SVCall */
        [13] = dassdp_fault_handler, /* PendSV */
#if DASSDP_APPLICATION_IRQ == -1
        [14] = dassdp_application_isr, /* SysTick */
#else
        [14] = dassdp_fault_handler, /* SysTick */
#endif
    },
    .irq = {
        [DASSDP_UART_IRQ] = dassdp_uart_isr,
#if DASSDP_APPLICATION_IRQ >= 0
        [DASSDP_APPLICATION_IRQ] = dassdp_application_isr,
#endif
    },
};
