/* What requests do with the slots in flash, if the device has some. */
#ifndef DASSDP_SLOTS_H
#define DASSDP_SLOTS_H

#include "link.h"

#if DASSDP_STORES
/* As dassdp_store_save and dassdp_store_erase; DASSDP_E_ABSENT where the link was given no slots. */
int dassdp_slots_save(dassdp_link_t *link);
int dassdp_slots_erase(dassdp_link_t *link);
/* Behind a lesson: DASSDP_FLAG_IS_SAVED, DASSDP_FLAG_IS_UNSAVED, or 0 where nothing was due. */
int dassdp_slots_lesson(dassdp_link_t *link, int32_t label, const dassdp_result_t *result);
#else
static inline int dassdp_slots_erase(const dassdp_link_t *link)
{
    (void)link;
    return DASSDP_E_ABSENT;
}

static inline int dassdp_slots_lesson(const dassdp_link_t *link, int32_t label,
                                      const dassdp_result_t *result)
{
    (void)link;
    (void)label;
    (void)result;
    return 0;
}
#endif

/* What counts now; DASSDP_STORE_ABSENT without slots. */
static inline dassdp_saved_t dassdp_slots_saved(const dassdp_link_t *link)
{
#if DASSDP_STORES
    return link->saved;
#else
    (void)link;
    return (dassdp_saved_t){0, DASSDP_STORE_ABSENT};
#endif
}

#endif
