/* What the flash controllers of all STM32 share: the keys, a wait with an end, the data cache. */
#ifndef DASSDP_FLASH_STM32_H
#define DASSDP_FLASH_STM32_H

#include "dassdp_board.h"
#include "flash.h"
#include "port.h"

#define FLASH_ORIGIN 0x08000000UL
#define KEY_1 0x45670123UL
#define KEY_2 0xCDEF89ABUL

/* Readings of a status register, four cycles or more each: twice the time that an erase may take. */
#define READINGS (DASSDP_CLOCK_HZ / 2000ULL * DASSDP_STORE_ERASE_MS + 1000ULL)
#define WAIT_LIMIT ((uint32_t)(READINGS < UINT32_MAX ? READINGS : UINT32_MAX))

static inline volatile uint32_t *flash_register(uint32_t offset) {
    return (volatile uint32_t *)(DASSDP_STORE_BASE + offset);
}

/* 0 once none of the bits `busy` is set, and none of `errors` either. */
static inline int flash_wait(uint32_t status, uint32_t busy, uint32_t errors) {
    for (uint32_t n = 0; n < WAIT_LIMIT; n++) {
        uint32_t flags = *flash_register(status);
        if ((flags & busy) == 0U) {
            return (flags & errors) != 0U;
        }
    }
    return 1;
}

/* 0 once the control register takes what is written, which it shall where option bytes put sectors where
 * board.toml has them. */
static inline int flash_unlock(uint32_t key, uint32_t control, uint32_t lock) {
    if (!DASSDP_STORE_IS_MAPPED) {
        return 1;
    }
    if ((*flash_register(control) & lock) != 0U) {
        *flash_register(key) = KEY_1;
        *flash_register(key) = KEY_2;
    }
    return (*flash_register(control) & lock) != 0U;
}

/* Where there is a data cache it is off while flash changes, and forgets. What it was. */
static inline uint32_t data_cache_off(uint32_t enable) {
    uint32_t access = *flash_register(0);
    if ((access & enable) != 0U) {
        *flash_register(0) = access & ~enable;
    }
    return access;
}

static inline void data_cache_back(uint32_t access, uint32_t enable) {
    if ((access & enable) != 0U) {
        *flash_register(0) = (access & ~enable) | enable << 2; /* reset */
        *flash_register(0) = access & ~enable;
        *flash_register(0) = access;
    }
}

const uint8_t *dassdp_flash_at(uint32_t address) {
    return (const uint8_t *)address;
}

#endif
