/* Columns that the portable kernels sum at once: what fits the registers of a small core. A build
 * for a core with vectors sets DASSDP_TILE wider (a multiple of 8); no bit of a result changes. */
#ifndef DASSDP_TILE_H
#define DASSDP_TILE_H

#include <stdint.h>

#ifndef DASSDP_TILE
#define DASSDP_TILE 8
#endif

/* What a tile sums weights in for int16 accumulators: the register of a small core, or int16 lanes;
 * a sum that wraps is taken back exactly, for the difference is proven to fit. */
#if DASSDP_TILE > 8
#define DASSDP_UNROLL /* the loop over a tile becomes vectors */
#define DASSDP_WIDE(tiles) tiles
typedef uint16_t dassdp_sum16_t;
typedef int16_t dassdp_difference16_t;
#else
#define DASSDP_UNROLL _Pragma("GCC unroll 8")
#define DASSDP_WIDE(tiles)
typedef uint32_t dassdp_sum16_t;
typedef int32_t dassdp_difference16_t;
#endif

#endif
