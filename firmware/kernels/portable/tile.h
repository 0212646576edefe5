/* Columns that the portable kernels sum at once: what fits the registers of a small core. A build
 * for a core with vectors sets DASSDP_TILE wider (a multiple of 8); no bit of a result changes. */
#ifndef DASSDP_TILE_H
#define DASSDP_TILE_H

#ifndef DASSDP_TILE
#define DASSDP_TILE 8
#endif

#endif
