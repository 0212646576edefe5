#include "host_model.h"

#include "dassdp_program.h"
#include "emulator.h"

enum {
    TAKEN_BYTES = DASSDP_PROGRAM_EXPORT_BYTES + DASSDP_SLOT_HEAD(DASSDP_HOST_WRITE_BYTES),
    SLOT_BYTES = (TAKEN_BYTES + DASSDP_HOST_ERASE_BYTES - 1) / DASSDP_HOST_ERASE_BYTES
                 * DASSDP_HOST_ERASE_BYTES
};

_Alignas(8) uint8_t dassdp_host_bytes[2 * SLOT_BYTES];
static uint32_t unit[DASSDP_HOST_WRITE_BYTES / 4];

static const dassdp_slots_t slots = {
    .model = &dassdp_program,
    .build = DASSDP_BUILD_HASH,
    .address = 0,
    .slot_bytes = SLOT_BYTES,
    .erase_bytes = DASSDP_HOST_ERASE_BYTES,
    .write_bytes = DASSDP_HOST_WRITE_BYTES,
    .save_every = DASSDP_PROGRAM_SAVE_EVERY,
    .unit = unit,
};

const dassdp_slots_t *dassdp_host_slots(void) { return &slots; }

const dassdp_model_t *dassdp_emulator_model(void) { return &dassdp_program; }

static dassdp_program_state_t state;
static uint8_t request[DASSDP_PROGRAM_REQUEST_BYTES];
static uint8_t response[DASSDP_PROGRAM_RESPONSE_BYTES];

const dassdp_host_memory_t dassdp_host_memory = {
    .state = &state,
    .request = request,
    .response = response,
    .request_bytes = sizeof request,
    .response_bytes = sizeof response,
};
