/* FLASH of STM32 F1 and F3: pages of 1 or 2 KiB, half-words. The CPU stands still while it erases and
 * writes. */
#include "stm32.h"

enum { KEYR = 0x04, SR = 0x0C, CR = 0x10, AR = 0x14 };
enum { PG = 1 << 0, PER = 1 << 1, STRT = 1 << 6, LOCK = 1 << 7 };
enum { BSY = 1 << 0, ERRORS = 1 << 2 | 1 << 4, EOP = 1 << 5 };

static int begin(void) {
    if (flash_wait(SR, BSY, 0) != 0 || flash_unlock(KEYR, CR, LOCK) != 0) {
        return 1;
    }
    *flash_register(SR) = ERRORS | EOP; /* written one: cleared */
    return 0;
}

static int end(int status) {
    *flash_register(CR) = LOCK;
    return status;
}

int dassdp_flash_erase(uint32_t address) {
    dassdp_port_feed();
    if (begin() != 0) {
        return end(1);
    }
    *flash_register(CR) = PER;
    *flash_register(AR) = address;
    *flash_register(CR) = PER | STRT;
    return end(flash_wait(SR, BSY, ERRORS));
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit) {
    volatile uint16_t *half = (volatile uint16_t *)address;
    const uint16_t *from = (const uint16_t *)unit;
    if (begin() != 0) {
        return end(1);
    }
    *flash_register(CR) = PG;
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < DASSDP_STORE_WRITE_BYTES / 2U; i++) {
        half[i] = from[i];
        status = flash_wait(SR, BSY, ERRORS);
    }
    return end(status);
}
