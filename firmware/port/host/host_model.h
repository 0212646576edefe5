/* What the emulator and the loopback have of the generated model, alone in its unit: another model
 * compiles this one. */
#ifndef DASSDP_HOST_MODEL_H
#define DASSDP_HOST_MODEL_H

#include "dassdp_store.h"

enum { DASSDP_HOST_ERASE_BYTES = 1024, DASSDP_HOST_WRITE_BYTES = 8 };

/* A device's memory, as the main program of a board has it. */
typedef struct {
    void *state;
    uint8_t *request, *response;
    uint32_t request_bytes, response_bytes;
} dassdp_host_memory_t;

extern const dassdp_host_memory_t dassdp_host_memory;

/* Both slots of the model, in host_flash.h's first flash. */
extern uint8_t dassdp_host_bytes[];

#endif
