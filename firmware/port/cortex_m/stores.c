/* Stores of board.toml, and what they clear: exceptions after which the program goes on. */
#include "startup.h"
#include "uart.h"

#define CFSR 0xE000ED28UL
#define CFSR_BUS_FAULTS 0x0000FF00UL /* written one: cleared */
#define FRAME_R3 3U /* in what an exception stacks */
#define FRAME_PC 6U

/* An oscillator that never starts leaves the chip on its internal one: waiting is bounded. */
enum { WAIT_LIMIT = 1000000 };

void dassdp_run_stores(const dassdp_store_t *stores, uint32_t n_stores) {
    for (uint32_t i = 0; i < n_stores; i++) {
        const dassdp_store_t *s = &stores[i];
        volatile uint32_t *reg = dassdp_register(s->address);
        if (s->wait != 0U) {
            for (uint32_t n = 0; n < WAIT_LIMIT && (*reg & s->mask) != s->value; n++) {
            }
        } else if (s->mask == 0xFFFFFFFFUL) {
            *reg = s->value;
        } else {
            *reg = (*reg & ~s->mask) | s->value;
        }
    }
}

#if DASSDP_NMI_RETURNS
static const dassdp_store_t nmi_clear[] = DASSDP_NMI_CLEAR;

void dassdp_nmi_handler(void) {
    dassdp_run_stores(nmi_clear, sizeof nmi_clear / sizeof nmi_clear[0]);
}
#endif

#if DASSDP_BUS_FAULT_RETURNS
static const dassdp_store_t bus_fault_clear[] = DASSDP_BUS_FAULT_CLEAR;

void dassdp_step_over(uint32_t *frame);

/* Counts the word in r3; the load that faulted has 16 bits. */
void dassdp_step_over(uint32_t *frame) {
    frame[FRAME_R3]++;
    frame[FRAME_PC] += 2U;
    *dassdp_register(CFSR) = CFSR_BUS_FAULTS;
    dassdp_run_stores(bus_fault_clear, sizeof bus_fault_clear / sizeof bus_fault_clear[0]);
}

#define IN_REGISTER __attribute__((unused)) /* r0, r1 */

__attribute__((naked)) uint32_t dassdp_unreadable(const void *begin IN_REGISTER,
                                                  const void *end IN_REGISTER) {
    __asm volatile("movs r3, #0\n\t"
                   "b 2f\n"
                   "dassdp_asked:\n\t"
                   "ldr.n r2, [r0]\n\t"
                   "adds r0, #4\n"
                   "2: cmp r0, r1\n\t"
                   "bcc dassdp_asked\n\t"
                   "mov r0, r3\n\t"
                   "bx lr");
}

/* Any other load that faults is a fault. */
__attribute__((naked)) void dassdp_bus_fault_handler(void) {
    __asm volatile("ldr r0, [sp, #24]\n\t"
                   "ldr r1, 1f\n\t"
                   "cmp r0, r1\n\t"
                   "bne dassdp_fault_handler\n\t"
                   "mov r0, sp\n\t"
                   "b dassdp_step_over\n\t"
                   ".align 2\n"
                   "1: .word dassdp_asked");
}
#endif
