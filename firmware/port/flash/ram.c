/* Slots in RAM that a reset leaves alone, for machines that model no flash controller: they behave as flash
 * does, but for the power. Addresses count from the first slot. */
#include "dassdp_board.h"
#include "flash.h"

enum { N_WORDS = 2U * DASSDP_STORE_SLOT_BYTES / 4U };

__attribute__((section(".bss.noinit"))) static uint32_t dassdp_ram_slots[N_WORDS];

int dassdp_flash_erase(uint32_t address) {
    uint32_t *word = &dassdp_ram_slots[address / 4U];
    for (uint32_t i = 0; i < DASSDP_STORE_ERASE_BYTES / 4U; i++) {
        word[i] = UINT32_MAX;
    }
    return 0;
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit) {
    uint32_t *word = &dassdp_ram_slots[address / 4U];
    for (uint32_t i = 0; i < DASSDP_STORE_WRITE_BYTES / 4U; i++) {
        word[i] &= unit[i];
    }
    return 0;
}

const uint8_t *dassdp_flash_at(uint32_t address) {
    return (const uint8_t *)&dassdp_ram_slots[address / 4U];
}
