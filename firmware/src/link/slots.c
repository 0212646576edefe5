/* Saves by request, and by themselves where the build says so. */
#include "slots.h"

#include "requests.h"
#include "wire.h"

#if DASSDP_STORES
int dassdp_link_load(dassdp_link_t *link, const dassdp_slots_t *slots)
{
    link->slots = slots;
    return dassdp_store_load(slots, link->state, &link->saved);
}

int dassdp_slots_save(dassdp_link_t *link)
{
    return link->slots == 0 ? DASSDP_E_ABSENT
                            : dassdp_store_save(link->slots, link->state, &link->saved);
}

int dassdp_slots_erase(dassdp_link_t *link)
{
    return link->slots == 0 ? DASSDP_E_ABSENT : dassdp_store_erase(link->slots, &link->saved);
}

int dassdp_slots_lesson(dassdp_link_t *link, int32_t label, const dassdp_result_t *result)
{
    int n = link->slots == 0 ? 0
                             : dassdp_store_lesson(link->slots, link->state, label, result,
                                                   &link->saved);
    return n > 0 ? DASSDP_FLAG_IS_SAVED : n < 0 ? DASSDP_FLAG_IS_UNSAVED : 0;
}
#endif

int dassdp_request_store(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                         uint8_t *response)
{
    (void)request;
    (void)n_open;
#if DASSDP_STORES
    int status = dassdp_slots_save(link);
    if (status == DASSDP_OK) {
        dassdp_put_u32(response + DASSDP_STORE_RESPONSE_N_SAVES, link->saved.n_saves);
        return DASSDP_STORE_RESPONSE_BYTES - DASSDP_RESPONSE_HEADER_BYTES;
    }
    return status;
#else
    (void)link;
    (void)response;
    return DASSDP_E_ABSENT;
#endif
}
