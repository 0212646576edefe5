/* Flash of an application that gives none: what it defines takes the place of this. Nothing is saved, and
 * dassdp_store_save says DASSDP_E_FLASH. */
#include "flash.h"

#define OR_YOURS __attribute__((weak))

OR_YOURS int dassdp_flash_erase(uint32_t address)
{
    (void)address;
    return -1;
}

OR_YOURS int dassdp_flash_write(uint32_t address, const uint32_t *unit)
{
    (void)address;
    (void)unit;
    return -1;
}

/* An erased slot. */
OR_YOURS const uint8_t *dassdp_flash_at(uint32_t address)
{
    static const uint64_t erased[4] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    (void)address;
    return (const uint8_t *)erased;
}
