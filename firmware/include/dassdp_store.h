/* edge_dassdp: what was learned survives the power, in two slots of flash.
 *
 *     static uint32_t unit[WRITE_BYTES / 4];
 *     static const dassdp_slots_t slots = {
 *         .model = &dassdp_model, .address = 0x0003C000, .slot_bytes = 8192,
 *         .erase_bytes = 1024, .write_bytes = 4, .unit = unit,
 *     };
 *     static dassdp_saved_t saved;
 *     dassdp_init(&dassdp_model, &state);
 *     dassdp_store_load(&slots, &state, &saved);  // the newest save, or factory weights
 *     ...
 *     dassdp_store_save(&slots, &state, &saved);  // when it shall be kept: saved.n_saves
 *
 * The application brings dassdp_flash_erase, _write and _at (flash.h), and keeps all else off the slots. Of
 * two slots the newest whole one counts, so power may go at any moment of a save: what it then finds is
 * the save before or the new one. Several models, or several states, have slots of their own each.
 * Flash wears out: a save erases one of the slots. */
#ifndef DASSDP_STORE_H
#define DASSDP_STORE_H

#include "dassdp.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where one state of a model is saved; constant. */
typedef struct {
    const dassdp_model_t *model;
    uint64_t build;        /* names the firmware; the slot of another one is taken, and told */
    uint32_t address;      /* of the first slot, as the flash functions take it; the second one follows */
    uint32_t slot_bytes;   /* of each: whole erase units, room for DASSDP_SLOT_HEAD and the export */
    uint32_t erase_bytes;  /* of an erase unit */
    uint32_t write_bytes;  /* of a write unit: a multiple of 4 that erase_bytes is a multiple of */
    uint32_t save_every;   /* for dassdp_store_lesson: labelled samples, 0: never */
    uint32_t *unit;        /* RAM of one write unit; slots may share it */
} dassdp_slots_t;

/** What a slot holds before the export: 32 bytes, or one write unit if that is more. */
#define DASSDP_SLOT_HEAD(write_bytes) ((write_bytes) > 32U ? (write_bytes) : 32U)

/** What is known of the slots; n_saves and state tell what counts. */
enum {
    DASSDP_STORE_ABSENT = 0,   /* there are none */
    DASSDP_STORE_EMPTY = 1,    /* nothing was saved: factory weights */
    DASSDP_STORE_SAVED = 2,    /* the save n_saves */
    DASSDP_STORE_BUILD = 3,    /* likewise, by another build of the same model */
    DASSDP_STORE_FOREIGN = 4,  /* of another model or version: factory weights */
    DASSDP_STORE_DAMAGED = 5   /* of what was saved nothing is whole: factory weights */
};

typedef struct {
    uint32_t n_saves;      /* number of the newest save, they count from 1; 0: none */
    uint32_t state;        /* DASSDP_STORE_* */
} dassdp_saved_t;

/** The newest whole save of this model into the state, which was initialised before and stays as it is where
 * there is none. Returns DASSDP_OK, or DASSDP_E_ABSENT: *saved tells why. */
int dassdp_store_load(const dassdp_slots_t *slots, void *state, dassdp_saved_t *saved);

/** Save what was learned: plastic weights and learning state. Returns DASSDP_OK, or DASSDP_E_FLASH: flash did
 * not take it; DASSDP_E_VALUE: a slot is too small. The save before then counts still. It returns when it is
 * done: the time that flash takes to erase and write a slot. */
int dassdp_store_save(const dassdp_slots_t *slots, const void *state, dassdp_saved_t *saved);

/** Behind dassdp_learn: save where slots->save_every labelled samples were learned from since it last was
 * due. Returns 1: saved, 0: not due, or the error of dassdp_store_save. */
int dassdp_store_lesson(const dassdp_slots_t *slots, void *state, int32_t label,
                        const dassdp_result_t *result, dassdp_saved_t *saved);

/** Erase both slots: at the next start weights are the factory's. Numbers of saves begin anew. Power that goes
 * meanwhile leaves the newest save, or none. Returns DASSDP_OK, or DASSDP_E_FLASH. */
int dassdp_store_erase(const dassdp_slots_t *slots, dassdp_saved_t *saved);

#ifdef __cplusplus
}
#endif

#endif
