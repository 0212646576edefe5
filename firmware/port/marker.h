/* A pin that is high while a sample runs and is learned from, for a log of the board's current.
 * Boards without one hold nothing of it. */
#ifndef DASSDP_MARKER_H
#define DASSDP_MARKER_H

#include <stdint.h>

#include "dassdp_board.h"

#ifdef DASSDP_MARKER_SETUP
static inline void dassdp_mark(uintptr_t address, uint32_t mask, uint32_t value)
{
    volatile uint32_t *reg = (volatile uint32_t *)address;
    *reg = mask == UINT32_MAX ? value : (*reg & ~mask) | value;
}
#define DASSDP_MARK_BEGIN() dassdp_mark(DASSDP_MARKER_SET)
#define DASSDP_MARK_END() dassdp_mark(DASSDP_MARKER_CLEAR)
#else
#define DASSDP_MARK_BEGIN() ((void)0)
#define DASSDP_MARK_END() ((void)0)
#endif

#endif
