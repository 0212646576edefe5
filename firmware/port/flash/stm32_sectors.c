/* FLASH of STM32 F4 and F7: the large sectors, of 128 or 256 KiB, and words, at 2.7 V or more. The CPU
 * stands still while it erases and writes. */
#include "stm32.h"

enum { KEYR = 0x04, SR = 0x0C, CR = 0x10, DCEN = 1 << 10 };
enum { PG = 1 << 0, SER = 1 << 1, PSIZE_32 = 2 << 8, STRT = 1 << 16 };
enum { BSY = 1 << 16, ERRORS = 0x1F2, EOP = 1 << 0 };
enum { N_SMALL = 5, SHIFT_OF_SNB = 3 }; /* the first five together have the bytes of one behind them */
#define LOCK (1UL << 31)

_Static_assert(DASSDP_STORE_ERASE_BYTES >= 0x20000U && DASSDP_STORE_WRITE_BYTES == 4U,
               "large sectors, words");

static int begin(void) {
    if (flash_wait(SR, BSY, 0) != 0 || flash_unlock(KEYR, CR, LOCK) != 0) {
        return 1;
    }
    *flash_register(SR) = ERRORS | EOP; /* written one: cleared */
    return 0;
}

static int end(int status, uint32_t access) {
    *flash_register(CR) = LOCK;
    data_cache_back(access, DCEN);
    return status;
}

int dassdp_flash_erase(uint32_t address) {
    dassdp_port_feed();
    uint32_t access = data_cache_off(DCEN);
    uint32_t number = (address - FLASH_ORIGIN) / DASSDP_STORE_ERASE_BYTES + N_SMALL - 1U;
    int status = begin();
    if (status == 0) {
        *flash_register(CR) = PSIZE_32 | SER | number << SHIFT_OF_SNB;
        *flash_register(CR) |= STRT;
        status = flash_wait(SR, BSY, ERRORS);
    }
    return end(status, access);
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit) {
    uint32_t access = data_cache_off(DCEN);
    int status = begin();
    if (status == 0) {
        *flash_register(CR) = PSIZE_32 | PG;
        *(volatile uint32_t *)address = *unit;
        __asm volatile("dsb" ::: "memory"); /* before the status is asked for */
        status = flash_wait(SR, BSY, ERRORS);
    }
    return end(status, access);
}
