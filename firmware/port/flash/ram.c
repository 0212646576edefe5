/* Slots in RAM that nothing else uses and no start clears, for machines without a model of a flash
 * controller. They behave as flash does, until the power goes. */
#include "dassdp_board.h"
#include "flash.h"

static uint32_t *words(uint32_t address) {
    return (uint32_t *)address;
}

int dassdp_flash_erase(uint32_t address) {
    for (uint32_t i = 0; i < DASSDP_STORE_ERASE_BYTES / 4U; i++) {
        words(address)[i] = UINT32_MAX;
    }
    return 0;
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit) {
    for (uint32_t i = 0; i < DASSDP_STORE_WRITE_BYTES / 4U; i++) {
        words(address)[i] &= unit[i];
    }
    return 0;
}

const uint8_t *dassdp_flash_at(uint32_t address) {
    return (const uint8_t *)address;
}
