/* Two slots: a header that is written last, and the export behind it. */
#include "dassdp_store.h"

#include <string.h>

#include "flash.h"
#include "learn.h"
#include "readable.h"
#include "state.h"

#define MAGIC 0x00534445u   /* "EDS" */
#define MAGIC_MASK 0x00FFFFFFu
#define VERSION 0x01000000u /* of header and slot, the byte behind */

/* As it lies in flash, little endian. */
typedef struct {
    uint32_t magic;
    uint32_t sequence;
    uint32_t model;      /* the first bytes of its hash; the export has all of it */
    uint32_t build[2];
    uint32_t n_bytes;    /* of the export */
    uint32_t data_crc;   /* of the same */
    uint32_t header_crc; /* of all before */
} header_t;

_Static_assert(sizeof(header_t) == DASSDP_SLOT_HEAD(4U), "applications count on this size");

/* The better ones last. */
enum { VOID, TORN, FOREIGN, OWN };

typedef struct {
    const header_t *header; /* in flash; to be believed of FOREIGN and OWN */
    uint32_t kind;
} slot_t;

static uint32_t head_bytes(const dassdp_slots_t *slots)
{
    return DASSDP_SLOT_HEAD(slots->write_bytes);
}

static uint32_t address_of(const dassdp_slots_t *slots, uint32_t idx)
{
    return slots->address + idx * slots->slot_bytes;
}

static uint32_t model_word(const dassdp_slots_t *slots)
{
    uint32_t word;
    memcpy(&word, slots->model->hash, sizeof word);
    return word;
}

static int is_unreadable(const uint8_t *at, uint32_t n_bytes)
{
    return dassdp_unreadable(at, at + ((n_bytes + 3u) & ~3u)) != 0u;
}

static uint32_t header_crc(const header_t *header)
{
    return dassdp_crc32(0, header, sizeof *header - sizeof header->header_crc);
}

/* VOID to OWN. */
static uint32_t kind_of(const dassdp_slots_t *slots, const uint8_t *at)
{
    const header_t *header = (const void *)at;
    if (is_unreadable(at, sizeof *header)) {
        return TORN;
    }
    if ((header->magic & MAGIC_MASK) != MAGIC) {
        return VOID;
    }
    if (header->header_crc != header_crc(header)) {
        return TORN;
    }
    if (header->magic != (MAGIC | VERSION)) {
        return FOREIGN;
    }
    const uint8_t *data = at + head_bytes(slots);
    if (header->n_bytes > slots->slot_bytes - head_bytes(slots) ||
        is_unreadable(data, header->n_bytes) ||
        dassdp_crc32(0, data, header->n_bytes) != header->data_crc) {
        return TORN;
    }
    return header->model == model_word(slots) &&
                   dassdp_import_check(slots->model, data, header->n_bytes) == DASSDP_OK
               ? OWN
               : FOREIGN;
}

static int is_newer(const slot_t *slot, const slot_t *than)
{
    return (int32_t)(slot->header->sequence - than->header->sequence) > 0;
}

/* Which of both counts, if it is whole: the better kind, of two that are alike the newer one. */
static uint32_t look(const dassdp_slots_t *slots, slot_t both[2])
{
    for (uint32_t idx = 0; idx < 2u; idx++) {
        const uint8_t *at = dassdp_flash_at(address_of(slots, idx));
        both[idx] = (slot_t){(const void *)at, kind_of(slots, at)};
    }
    if (both[0].kind != both[1].kind) {
        return both[1].kind > both[0].kind;
    }
    return both[0].kind >= FOREIGN && is_newer(&both[1], &both[0]);
}

/* Of the newest save in them, whoever made it; 0: none. */
static uint32_t last_sequence(const slot_t both[2])
{
    if (both[0].kind < FOREIGN || both[1].kind < FOREIGN) {
        return both[0].kind >= FOREIGN   ? both[0].header->sequence
               : both[1].kind >= FOREIGN ? both[1].header->sequence
                                         : 0u;
    }
    return both[is_newer(&both[1], &both[0])].header->sequence;
}

int dassdp_store_load(const dassdp_slots_t *slots, void *state, dassdp_saved_t *saved)
{
    slot_t both[2];
    if (dassdp_is_learning(slots->model, state)) {
        return DASSDP_E_ORDER;
    }
    const slot_t *best = &both[look(slots, both)];
    const header_t *header = best->header;
    *saved = (dassdp_saved_t){
        .n_saves = last_sequence(both),
        .state = best->kind == VOID   ? DASSDP_STORE_EMPTY
                 : best->kind == TORN ? DASSDP_STORE_DAMAGED
                                      : DASSDP_STORE_FOREIGN,
    };
    if (best->kind != OWN ||
        dassdp_import(slots->model, state, (const uint8_t *)header + head_bytes(slots),
                      header->n_bytes) != DASSDP_OK) {
        return DASSDP_E_ABSENT;
    }
    saved->n_saves = header->sequence;
    saved->state = header->build[0] == (uint32_t)slots->build &&
                           header->build[1] == (uint32_t)(slots->build >> 32)
                       ? DASSDP_STORE_SAVED
                       : DASSDP_STORE_BUILD;
    return DASSDP_OK;
}

static int erase(const dassdp_slots_t *slots, uint32_t address, uint32_t n_bytes)
{
    for (uint32_t at = 0; at < n_bytes; at += slots->erase_bytes) {
        if (dassdp_flash_erase(address + at) != 0) {
            return DASSDP_E_FLASH;
        }
    }
    return DASSDP_OK;
}

/* The export, unit by unit, and its CRC; then it is read back. */
static int write_data(const dassdp_slots_t *slots, const void *state, uint32_t address,
                      header_t *header)
{
    uint32_t n_bytes = header->n_bytes;
    for (uint32_t at = 0; at < n_bytes; at += slots->write_bytes) {
        uint32_t n = n_bytes - at < slots->write_bytes ? n_bytes - at : slots->write_bytes;
        memset(slots->unit, 0xFF, slots->write_bytes);
        int status = dassdp_export(slots->model, state, at, (uint8_t *)slots->unit, n);
        if (status != DASSDP_OK) {
            return status;
        }
        header->data_crc = dassdp_crc32(header->data_crc, slots->unit, n);
        if (dassdp_flash_write(address + at, slots->unit) != 0) {
            return DASSDP_E_FLASH;
        }
    }
    const uint8_t *data = dassdp_flash_at(address);
    return !is_unreadable(data, n_bytes) && dassdp_crc32(0, data, n_bytes) == header->data_crc
               ? DASSDP_OK
               : DASSDP_E_FLASH;
}

static int write_header(const dassdp_slots_t *slots, uint32_t address, const header_t *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint32_t n_bytes = sizeof *header;
    for (uint32_t at = 0; at < n_bytes; at += slots->write_bytes) {
        uint32_t n = n_bytes - at < slots->write_bytes ? n_bytes - at : slots->write_bytes;
        memset(slots->unit, 0xFF, slots->write_bytes);
        memcpy(slots->unit, bytes + at, n);
        if (dassdp_flash_write(address + at, slots->unit) != 0) {
            return DASSDP_E_FLASH;
        }
    }
    return DASSDP_OK;
}

/* The export and behind it its header, whose data_crc and header_crc are not yet there. */
static int write_slot(const dassdp_slots_t *slots, const void *state, uint32_t idx, header_t *header)
{
    uint32_t address = address_of(slots, idx);
    int status = erase(slots, address, head_bytes(slots) + header->n_bytes);
    if (status == DASSDP_OK) {
        status = write_data(slots, state, address + head_bytes(slots), header);
    }
    if (status == DASSDP_OK) {
        header->header_crc = header_crc(header);
        status = write_header(slots, address, header);
    }
    return status == DASSDP_OK && kind_of(slots, dassdp_flash_at(address)) != OWN ? DASSDP_E_FLASH
                                                                                  : status;
}

int dassdp_store_save(const dassdp_slots_t *slots, const void *state, dassdp_saved_t *saved)
{
    slot_t both[2];
    if (dassdp_is_learning(slots->model, state)) {
        return DASSDP_E_ORDER;
    }
    uint32_t best = look(slots, both);
    uint32_t sequence = last_sequence(both) + 1u;
    header_t header = {
        .magic = MAGIC | VERSION,
        .sequence = sequence != 0u ? sequence : 1u,
        .model = model_word(slots),
        .build = {(uint32_t)slots->build, (uint32_t)(slots->build >> 32)},
        .n_bytes = dassdp_export_bytes(slots->model),
    };
    if (header.n_bytes > slots->slot_bytes - head_bytes(slots)) {
        return DASSDP_E_VALUE;
    }
    uint32_t n_places = both[best].kind < FOREIGN ? 2u : 1u; /* nothing to lose: either will do */
    int status = DASSDP_E_FLASH;
    for (uint32_t n = 1; n <= n_places && status == DASSDP_E_FLASH; n++) {
        header.data_crc = 0;
        status = write_slot(slots, state, (best + n) & 1u, &header);
    }
    if (status == DASSDP_OK) {
        *saved = (dassdp_saved_t){.n_saves = header.sequence, .state = DASSDP_STORE_SAVED};
    }
    return status;
}

int dassdp_store_lesson(const dassdp_slots_t *slots, void *state, int32_t label,
                        const dassdp_result_t *result, dassdp_saved_t *saved)
{
    if (slots->save_every == 0u || label == DASSDP_NO_LABEL || result->is_held != 0u ||
        dassdp_learning(slots->model, state)->n_labelled % slots->save_every != 0u) {
        return 0;
    }
    int status = dassdp_store_save(slots, state, saved);
    return status == DASSDP_OK ? 1 : status;
}

int dassdp_store_erase(const dassdp_slots_t *slots, dassdp_saved_t *saved)
{
    slot_t both[2];
    uint32_t best = look(slots, both);
    int status = erase(slots, address_of(slots, best ^ 1u), slots->slot_bytes);
    if (status == DASSDP_OK) {
        status = erase(slots, address_of(slots, best), slots->slot_bytes);
    }
    best = look(slots, both);
    if (both[best].kind >= FOREIGN) {
        return DASSDP_E_FLASH;
    }
    *saved = (dassdp_saved_t){
        .state = both[best].kind == VOID ? DASSDP_STORE_EMPTY : DASSDP_STORE_DAMAGED};
    return status;
}
