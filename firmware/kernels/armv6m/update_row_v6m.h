/* Update rows from sums: four columns a round; entries that are zero leave it to be counted. r4 is dw_q8,
 * r7 row_rshift, r8 entries that are not zero, r9 -1, r11 half, r12 an end. */
#include "registers_v6m.h"

#define COLUMNS 36            /* argument on the stack */

    /* r12 is where `from` is behind all columns, of 2^size bytes each */
    .macro begin_row from, size
    save_registers
    movs r7, r0
    movs r4, r1
    ldr r0, [sp, #COLUMNS]
    mov r8, r0
    lsls r0, r0, #\size
    adds r0, r0, \from
    mov r12, r0
    movs r1, #1
    rsbs r0, r1, #0
    mov r9, r0
    lsls r1, r7
    lsrs r1, r1, #1
    mov r11, r1
    .endm

    /* k sums rounded and stored */
    .macro entry number, product, at
    add \product, r11
    asrs \product, r7
    strh \product, [r4, \at]
    beq .Lzero_\number
.Lcounted_\number:
    .endm

    .macro end_row
    mov r0, r8
    restore_registers
    .irp number, 0, 1, 2, 3
.Lzero_\number:
    add r8, r9
    b .Lcounted_\number
    .endr
    .endm
