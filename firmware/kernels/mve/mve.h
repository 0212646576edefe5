/* For assembly only: the instruction set, whatever the compiler's flags, and the order of lanes. */
#ifndef DASSDP_MVE_H
#define DASSDP_MVE_H

#include "asm.h"

#ifndef __ARM_FEATURE_MVE
    .arch armv8.1-m.main
    .arch_extension mve
#endif

    @ natural index of image byte k: the order of a vldrb.u16 of 8 columns, and of the next 8
    .macro lane_table
    .balign 4
9:  .byte 0, 2, 1, 3, 4, 6, 5, 7
    .byte 8, 10, 9, 11, 12, 14, 13, 15
    .endm

#endif
