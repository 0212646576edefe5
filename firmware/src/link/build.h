/* What names the build, alone in its unit: no other is compiled anew for it. */
#ifndef DASSDP_BUILD_H
#define DASSDP_BUILD_H

#include <stdint.h>

extern const uint8_t dassdp_build[8];

#endif
