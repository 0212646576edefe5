/* Flash as the slots of dassdp_store.h need it. A board's is the driver that [store] of its board.toml
 * names, a file of this folder; an application brings its own three functions. */
#ifndef DASSDP_FLASH_H
#define DASSDP_FLASH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Erase the erase unit that begins at `address`: all its bits become 1. Returns when it is done, 0, or
 * not 0: it was not. */
int dassdp_flash_erase(uint32_t address);

/* Write one erased write unit, words in the order of memory; `unit` is aligned to 4. Returns when it is
 * done, 0, or not 0: it was not. Nobody writes a unit twice without erasing it. */
int dassdp_flash_write(uint32_t address, const uint32_t *unit);

/* Where what lies at `address` is read; where a slot begins, aligned to 8. */
const uint8_t *dassdp_flash_at(uint32_t address);

#ifdef __cplusplus
}
#endif

#endif
