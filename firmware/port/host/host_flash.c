#include "host_flash.h"

#include <string.h>

#include "flash.h"
#include "host_model.h"

enum { ERASE_BYTES = DASSDP_HOST_ERASE_BYTES, WRITE_BYTES = DASSDP_HOST_WRITE_BYTES };

static _Thread_local dassdp_host_flash_t *used;

dassdp_host_flash_t dassdp_host_flash = {.bytes = dassdp_host_bytes};

void dassdp_host_flash_use(dassdp_host_flash_t *flash) { used = flash; }

/* How many of n_bytes the next command does. */
static uint32_t begin(uint32_t n_bytes)
{
    uint32_t n = ++used->n_commands;
    if (n == used->fails_at || (used->cut_at != 0u && n > used->cut_at)) {
        return 0;
    }
    return n != used->cut_at ? n_bytes : used->torn_bytes < n_bytes ? used->torn_bytes : n_bytes - 1u;
}

static int end(uint32_t address, uint32_t n_bytes, uint32_t n_done)
{
    if (used->n_commands == used->wrong_at) {
        used->bytes[address + n_bytes / 2u] ^= 4u;
    }
    return n_done == n_bytes ? 0 : 1;
}

int dassdp_flash_erase(uint32_t address)
{
    uint8_t *bytes = used->bytes + address;
    uint32_t n_done = begin(ERASE_BYTES);
    memset(bytes, 0xFF, n_done);
    if (used->n_commands == used->cut_at) {
        bytes[n_done] = (uint8_t)(bytes[n_done] | used->torn_mask);
    }
    return end(address, ERASE_BYTES, n_done);
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit)
{
    uint8_t *bytes = used->bytes + address;
    const uint8_t *given = (const uint8_t *)unit;
    for (uint32_t i = 0; i < WRITE_BYTES; i++) {
        if (bytes[i] != 0xFFu) {
            return 1; /* as chips with check bits do */
        }
    }
    uint32_t n_done = begin(WRITE_BYTES);
    for (uint32_t i = 0; i < n_done; i++) {
        bytes[i] = given[i];
    }
    if (used->n_commands == used->cut_at) {
        bytes[n_done] = (uint8_t)(bytes[n_done] & (given[n_done] | used->torn_mask));
    }
    return end(address, WRITE_BYTES, n_done);
}

const uint8_t *dassdp_flash_at(uint32_t address) { return used->bytes + address; }
