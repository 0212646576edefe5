/* NVMC of nRF51 and nRF52: pages of 1 or 4 KiB, words. The CPU stands still while it erases and writes. */
#include "dassdp_board.h"
#include "flash.h"
#include "port.h"

enum { READY = 0x400, CONFIG = 0x504, ERASEPAGE = 0x508 };
enum { READS = 0, WRITES = 1, ERASES = 2 };
enum { WAIT_LIMIT = 1000000 }; /* readings; a page takes less than 100 ms */

static volatile uint32_t *nvmc(uint32_t offset) {
    return (volatile uint32_t *)(DASSDP_STORE_BASE + offset);
}

/* 0 once it is ready. */
static int wait(void) {
    uint32_t n = 0;
    while ((*nvmc(READY) & 1U) == 0U) {
        if (++n == WAIT_LIMIT) {
            return 1;
        }
    }
    return 0;
}

static int store(uint32_t config, volatile uint32_t *at, uint32_t value) {
    *nvmc(CONFIG) = config;
    int status = wait();
    if (status == 0) {
        *at = value;
        status = wait();
    }
    *nvmc(CONFIG) = READS;
    return status;
}

int dassdp_flash_erase(uint32_t address) {
    dassdp_port_feed();
    return store(ERASES, nvmc(ERASEPAGE), address);
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit) {
    volatile uint32_t *word = (volatile uint32_t *)address;
    for (uint32_t i = 0; i < DASSDP_STORE_WRITE_BYTES / 4U; i++) {
        if (store(WRITES, word + i, unit[i]) != 0) {
            return 1;
        }
    }
    return 0;
}

const uint8_t *dassdp_flash_at(uint32_t address) {
    return (const uint8_t *)address;
}
