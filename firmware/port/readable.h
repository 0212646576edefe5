/* Flash that cannot be read: words whose check bits do not fit, as power that went while they were written
 * leaves them, fault on some chips. There they are asked for before they are used. */
#ifndef DASSDP_READABLE_H
#define DASSDP_READABLE_H

#include <stdint.h>

#ifdef __has_include
#if __has_include("dassdp_board.h") /* not on a host */
#include "dassdp_board.h"
#endif
#endif

#if defined(DASSDP_BUS_FAULT_RETURNS) && DASSDP_BUS_FAULT_RETURNS
uint32_t dassdp_unreadable(const void *begin, const void *end); /* words, of whole ones */
#else
static inline uint32_t dassdp_unreadable(const void *begin, const void *end)
{
    (void)begin;
    (void)end;
    return 0U;
}
#endif

#endif
