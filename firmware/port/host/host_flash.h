/* Flash on a computer: an array that behaves like one, and fails as it is told. */
#ifndef DASSDP_HOST_FLASH_H
#define DASSDP_HOST_FLASH_H

#include "dassdp_store.h"

/* Commands are erases and writes, counted from 1; 0 stands for none of them. */
typedef struct {
    uint8_t *bytes;      /* both slots of the model, erased at first: all bits 1 */
    uint32_t n_commands; /* so far */
    uint32_t cut_at;     /* the command at which the power goes; what follows does nothing */
    uint32_t torn_bytes; /* of its unit so many bytes are done, and of the next one */
    uint32_t torn_mask;  /* these bits, 0 to 255 */
    uint32_t fails_at;   /* the command that does nothing, and says so */
    uint32_t wrong_at;   /* the command after which a bit of its unit is not as it should be */
} dassdp_host_flash_t;

/* Slots of the generated model, on whatever flash this thread uses. */
const dassdp_slots_t *dassdp_host_slots(void);

/* One that is there from the beginning, all bits 0: the loopback's. */
extern dassdp_host_flash_t dassdp_host_flash;

/* The flash that this thread uses from now on. */
void dassdp_host_flash_use(dassdp_host_flash_t *flash);

#endif
