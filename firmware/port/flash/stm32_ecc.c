/* FLASH of STM32 L4, G0, G4 and WB, in units of two words with their check bits, and of U5, in units of
 * four. What runs in the other bank runs on while it erases and writes. */
#include "stm32.h"

#if DASSDP_STORE_WRITE_BYTES == 16U /* U5, its non-secure side */
enum { KEYR = 0x08, SR = 0x20, CR = 0x28, BSY = 3 << 16, ERRORS = 0x20FA }; /* BSY, WDW */
#else
enum { KEYR = 0x08, SR = 0x10, CR = 0x14, BSY = 5 << 16, ERRORS = 0xC3FA }; /* BSY, CFGBSY */
_Static_assert(DASSDP_STORE_WRITE_BYTES == 8U, "units of two words");
#endif
#if __ARM_ARCH > 6
enum { DCEN = 1 << 10 };
#else
enum { DCEN = 0 }; /* G0: reserved, reads 1 */
#endif
enum { PG = 1 << 0, PER = 1 << 1, STRT = 1 << 16, EOP = 1 << 0 };
enum { SHIFT_OF_PNB = 3, SHIFT_OF_BKER = 11 };
#define LOCK (1UL << 31)

static int begin(void) {
    if (flash_wait(SR, BSY, 0) != 0 || flash_unlock(KEYR, CR, LOCK) != 0) {
        return 1;
    }
    *flash_register(SR) = ERRORS | EOP; /* written one: cleared; what is left blocks */
    return 0;
}

static int end(int status, uint32_t access) {
    *flash_register(CR) = LOCK;
    data_cache_back(access, DCEN);
    return status;
}

/* PNB and BKER. */
static uint32_t page(uint32_t address) {
    uint32_t offset = address - FLASH_ORIGIN;
#if DASSDP_STORE_BANK_BYTES != 0
    return offset % DASSDP_STORE_BANK_BYTES / DASSDP_STORE_ERASE_BYTES << SHIFT_OF_PNB |
           offset / DASSDP_STORE_BANK_BYTES << SHIFT_OF_BKER;
#else
    return offset / DASSDP_STORE_ERASE_BYTES << SHIFT_OF_PNB;
#endif
}

int dassdp_flash_erase(uint32_t address) {
    dassdp_port_feed();
    uint32_t access = data_cache_off(DCEN);
    int status = begin();
    if (status == 0) {
        *flash_register(CR) = PER | page(address);
        *flash_register(CR) |= STRT;
        status = flash_wait(SR, BSY, ERRORS);
    }
    return end(status, access);
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit) {
    volatile uint32_t *word = (volatile uint32_t *)address;
    uint32_t access = data_cache_off(DCEN);
    int status = begin();
    if (status == 0) {
        *flash_register(CR) = PG;
        for (uint32_t i = 0; i < DASSDP_STORE_WRITE_BYTES / 4U; i++) {
            word[i] = unit[i];
        }
        __asm volatile("dsb" ::: "memory"); /* before the status is asked for */
        status = flash_wait(SR, BSY, ERRORS);
    }
    return end(status, access);
}
