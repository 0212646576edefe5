/* How the firmware came to run, in RAM that a reset leaves alone, and faults, which end in a reset. */
#include "startup.h"

#include "dassdp_board.h"
#include "dassdp_quantities.h"
#include "port.h"
#include "uart.h"

#define MAGIC 0x426F6F74UL
#define MAGIC_OF_FAULT 0x4661756CUL
#define AIRCR 0xE000ED0CUL
#define AIRCR_SYSRESETREQ 0x05FA0004UL
#define FRAME_BYTES 32U /* what an exception stacks, and where the program counter lies in it */
#define FRAME_PC 6U

/* Between two starts it is told from what RAM holds as power comes by `mark`. */
__attribute__((section(".bss.noinit"))) static struct {
    uint32_t mark;
    dassdp_boot_t boot;
} dassdp_boot;

_Static_assert(sizeof dassdp_boot == DASSDP_BOOT_RAM_BYTES, "the ledger counts on this size");

static uint32_t mark_of_fault(void) {
    return MAGIC_OF_FAULT ^ dassdp_boot.boot.n_boots ^ dassdp_boot.boot.fault_pc;
}

/* What the chip's register tells. It is cleared, so that the next reset is told from this one. */
static uint8_t told_cause(int is_kept) {
    uint32_t flags = 0;
    if (DASSDP_CAUSE_REGISTER != 0UL) {
        flags = *dassdp_register(DASSDP_CAUSE_REGISTER);
        volatile uint32_t *clear = dassdp_register(DASSDP_CAUSE_CLEAR_REGISTER);
        *clear = (*clear & ~DASSDP_CAUSE_CLEAR_MASK) | DASSDP_CAUSE_CLEAR_VALUE;
    }
    if ((flags & DASSDP_CAUSE_WATCHDOG_FLAGS) != 0U) {
        return DASSDP_CAUSE_WATCHDOG;
    }
    if ((flags & DASSDP_CAUSE_SOFTWARE_FLAGS) != 0U) {
        return DASSDP_CAUSE_SOFTWARE;
    }
    if (is_kept == 0 || (flags & DASSDP_CAUSE_POWER_FLAGS) != 0U) {
        return DASSDP_CAUSE_POWER;
    }
    return (flags & DASSDP_CAUSE_PIN_FLAGS) != 0U ? DASSDP_CAUSE_PIN : DASSDP_CAUSE_UNKNOWN;
}

/* The link's byte `cause` counts faults in a row, too: FAULT is the first, one more each that follows
 * without an answer between, FAULTING the last. What is above it runs nothing, either. */
enum { MOST_FAULTS = DASSDP_CAUSE_FAULTING - DASSDP_CAUSE_FAULT + 1 };

static uint32_t n_faults_of(uint32_t cause) {
    uint32_t kept = cause < DASSDP_CAUSE_FAULTING ? cause : DASSDP_CAUSE_FAULTING;
    return kept < DASSDP_CAUSE_FAULT ? 0U : kept - DASSDP_CAUSE_FAULT + 1U;
}

/* n_faults: 1 to MOST_FAULTS. */
static uint8_t cause_of(uint32_t n_faults) {
    return (uint8_t)(DASSDP_CAUSE_FAULT + n_faults - 1U);
}

void dassdp_boot_begin(void) {
    dassdp_boot_t *boot = &dassdp_boot.boot;
    int is_fault = dassdp_boot.mark == mark_of_fault();
    int is_kept = is_fault || dassdp_boot.mark == (MAGIC ^ boot->n_boots);
    uint8_t cause = told_cause(is_kept);
    if (is_fault != 0) {
        uint32_t n_before = n_faults_of(boot->cause);
        cause = cause_of(n_before < MOST_FAULTS ? n_before + 1U : MOST_FAULTS);
    }
    *boot = (dassdp_boot_t){
        .n_boots = (uint16_t)(is_kept ? boot->n_boots + 1U : 1U),
        .cause = cause,
        .fault = is_fault ? boot->fault : 0U,
        .fault_pc = is_fault ? boot->fault_pc : 0U,
    };
    dassdp_boot.mark = MAGIC ^ boot->n_boots;
}

void dassdp_boot_image(uint32_t image_crc) {
    dassdp_boot.boot.image_crc = image_crc;
    if (dassdp_unreadable(dassdp_image_crc, dassdp_image_crc + 1) != 0U ||
        (dassdp_image_crc[0] != 0U && image_crc != dassdp_image_crc[0])) {
        dassdp_boot.boot.cause = DASSDP_CAUSE_DAMAGED;
    }
}

void dassdp_boot_works(void) {
    uint32_t n_faults = n_faults_of(dassdp_boot.boot.cause);
    if (n_faults > 1U && n_faults < MOST_FAULTS) {
        dassdp_boot.boot.cause = cause_of(1);
    }
}

const dassdp_boot_t *dassdp_port_boot(void) {
    return &dassdp_boot.boot;
}

/* The stack may have run over: what was stacked is read only where the stack lies. */
void dassdp_fault_record(uint32_t fault, const uint32_t *frame) {
    uint32_t at = (uint32_t)frame;
    int is_inside = at >= (uint32_t)dassdp_stack_begin &&
                    at <= (uint32_t)dassdp_stack_end - FRAME_BYTES;
    dassdp_boot.boot.fault = (uint8_t)fault;
    dassdp_boot.boot.fault_pc = is_inside ? frame[FRAME_PC] : 0U;
    dassdp_boot.mark = mark_of_fault();
    __asm volatile("dsb" ::: "memory");
    *dassdp_register(AIRCR) = AIRCR_SYSRESETREQ;
    for (;;) {
        __asm volatile("nop");
    }
}

/* A stack of its own, for the one in use may be the fault. */
__attribute__((naked)) void dassdp_fault_handler(void) {
    __asm volatile("mrs r0, ipsr\n\t"
                   "mov r1, sp\n\t"
                   "ldr r2, 1f\n\t"
                   "msr msp, r2\n\t"
                   "bl dassdp_fault_record\n\t"
                   ".align 2\n"
                   "1: .word dassdp_stack_end");
}
