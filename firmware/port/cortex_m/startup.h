/* The painted stack: words from dassdp_stack_begin upwards that still hold the paint were never
 * used. */
#ifndef DASSDP_STARTUP_H
#define DASSDP_STARTUP_H

#include <stdint.h>

#define DASSDP_STACK_PAINT 0x5AA5C33CUL

extern uint32_t dassdp_stack_begin[]; /* from the linker script */

#endif
