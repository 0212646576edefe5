/* What start-up, linker script and program share. The stack is painted: words from dassdp_stack_begin
 * upwards that still hold the paint were never used. */
#ifndef DASSDP_STARTUP_H
#define DASSDP_STARTUP_H

#include <stdint.h>

#include "dassdp_board.h"
#include "readable.h"

#define DASSDP_STACK_PAINT 0x5AA5C33CUL
#define DASSDP_POOL_WORDS 8U /* of a locked build */

#ifndef DASSDP_LOCKED
#define DASSDP_LOCKED 0
#endif

/* From the linker script. */
extern uint32_t dassdp_stack_begin[], dassdp_stack_end[];
extern const uint8_t dassdp_image_begin[];
extern const uint32_t dassdp_image_crc[]; /* behind all it covers; 0: the build stated none */

extern uint32_t dassdp_pool[DASSDP_POOL_WORDS];

void dassdp_boot_begin(void);             /* once, when variables hold their initial values */
void dassdp_boot_image(uint32_t image_crc); /* what the program found; another makes it damaged */
void dassdp_boot_works(void);             /* a request was answered: faults are counted anew */

/* setup, feed and the like of board.toml; wait 1: until the masked register reads so, for a while. */
typedef struct {
    uint32_t address;
    uint32_t mask;
    uint32_t value;
    uint32_t wait;
} dassdp_store_t;

void dassdp_run_stores(const dassdp_store_t *stores, uint32_t n_stores);

/* A word of flash whose check bits do not fit, as power that went while it was written leaves it,
 * raises the NMI on some chips: it is cleared and the load goes on with whatever it read. On others
 * the load faults: readable.h. */
#if DASSDP_NMI_RETURNS
void dassdp_nmi_handler(void);
#else
#define dassdp_nmi_handler dassdp_fault_handler
#endif
#if DASSDP_BUS_FAULT_RETURNS
void dassdp_bus_fault_handler(void);
#else
#define dassdp_bus_fault_handler dassdp_fault_handler
#endif

/* Every exception that nobody else handles: kept for the next start, then the chip is reset. */
void dassdp_fault_handler(void);
_Noreturn void dassdp_fault_record(uint32_t fault, const uint32_t *frame);

#endif
