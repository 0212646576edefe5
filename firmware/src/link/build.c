#include "build.h"

#include "dassdp_board.h"

#ifndef DASSDP_BUILD_HASH
#error "the build defines DASSDP_BUILD_HASH: 64 bits that name sources and flags"
#endif

#define BYTE_OF(i) (uint8_t)(((uint64_t)DASSDP_BUILD_HASH >> (56 - 8 * (i))) & 0xFFu)

const uint8_t dassdp_build[8] = {
    BYTE_OF(0), BYTE_OF(1), BYTE_OF(2), BYTE_OF(3), BYTE_OF(4), BYTE_OF(5), BYTE_OF(6), BYTE_OF(7),
};
