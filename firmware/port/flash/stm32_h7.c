/* FLASH of STM32 H7: two banks with registers of their own, sectors of 128 KiB, units of eight words with
 * their check bits. What runs in the other bank runs on while it erases and writes. The core's data cache
 * is off, as it is after a reset. */
#include "stm32.h"

enum { BANK_BYTES = 0x100000, NEXT_BANK = 0x100 };
enum { KEYR = 0x04, CR = 0x0C, SR = 0x10, CCR = 0x14 };
enum { LOCK = 1 << 0, PG = 1 << 1, SER = 1 << 2, PSIZE_64 = 3 << 4, START = 1 << 7 };
enum { BSY = 1 << 0 | 1 << 2, ERRORS = 0x07EE0000, EOP = 1 << 16, SHIFT_OF_SNB = 8 }; /* BSY, QW */

_Static_assert(DASSDP_STORE_WRITE_BYTES == 32U && DASSDP_STORE_ERASE_BYTES == 0x20000U,
               "sectors of 128 KiB, units of eight words");

/* Where the registers of its bank lie, from those of the first. */
static uint32_t bank(uint32_t address) {
    return (address - FLASH_ORIGIN) / BANK_BYTES * NEXT_BANK;
}

static int begin(uint32_t at) {
    if (flash_wait(at + SR, BSY, 0) != 0 || flash_unlock(at + KEYR, at + CR, LOCK) != 0) {
        return 1;
    }
    *flash_register(at + CCR) = ERRORS | EOP; /* what is left blocks */
    return 0;
}

static int end(uint32_t at, int status) {
    *flash_register(at + CR) = PSIZE_64 | LOCK;
    return status;
}

int dassdp_flash_erase(uint32_t address) {
    dassdp_port_feed();
    uint32_t at = bank(address);
    uint32_t number = (address - FLASH_ORIGIN) % BANK_BYTES / DASSDP_STORE_ERASE_BYTES;
    if (begin(at) != 0) {
        return end(at, 1);
    }
    *flash_register(at + CR) = PSIZE_64 | SER | number << SHIFT_OF_SNB;
    *flash_register(at + CR) |= START;
    return end(at, flash_wait(at + SR, BSY, ERRORS));
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit) {
    volatile uint32_t *word = (volatile uint32_t *)address;
    uint32_t at = bank(address);
    if (begin(at) != 0) {
        return end(at, 1);
    }
    *flash_register(at + CR) = PSIZE_64 | PG;
    __asm volatile("dsb" ::: "memory");
    for (uint32_t i = 0; i < DASSDP_STORE_WRITE_BYTES / 4U; i++) {
        word[i] = unit[i];
    }
    __asm volatile("dsb" ::: "memory"); /* before the status is asked for */
    return end(at, flash_wait(at + SR, BSY, ERRORS));
}
