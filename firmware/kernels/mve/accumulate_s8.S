/* Sums of 8-bit weights: int16 lanes start at -bias, or at acc less that, add the widened bytes of
 * every row, and are scattered into natural order.
 *
 * q0-q3 sums; q4, q5 bytes; q6, q7 natural columns of 16 bytes of the image */
#include "accumulate.h"

    .macro set_up
    adr r0, 9f
    vldrb.u16 q6, [r0]
    vldrb.u16 q7, [r0, #8]
    .endm

    .macro add_acc sum, at, columns
    vldrh.u16 q4, [\at, \columns, uxtw #1]
    vadd.i16 \sum, \sum, q4
    .endm

    .macro start width
    vdup.16 q0, r12
    vdup.16 q1, r12
    .if \width == 32
    vdup.16 q2, r12
    vdup.16 q3, r12
    .endif
    ldr r0, [sp, #ADDS]
    cbz r0, 1f
    add_acc q0, r8, q6
    add_acc q1, r8, q7
    .if \width == 32
    add r0, r8, #32
    add_acc q2, r0, q6
    add_acc q3, r0, q7
    .endif
1:
    .endm

    @ loads and additions take turns, so that they overlap: \pending still waits for q5
    .macro add_pair row, at, sum, pending
    vldrb.u16 q4, [\row, #\at]
    .ifnb \pending
    vadd.i16 \pending, \pending, q5
    .endif
    vldrb.u16 q5, [\row, #\at + 8]
    vadd.i16 \sum, \sum, q4
    .endm

    .macro add_bytes at, width, row, pending
    add_pair \row, \at, q0, \pending
    .if \width == 32
    add_pair \row, \at+16, q2, q1
    .endif
    .endm

    .macro add_last width
    .if \width == 32
    vadd.i16 q3, q3, q5
    .else
    vadd.i16 q1, q1, q5
    .endif
    .endm

    .macro add_row at, width, row
    add_bytes \at, \width, \row
    add_last \width
    .endm

    .macro add_four at, width, first, rows:vararg
    add_bytes \at, \width, \first
    .irp row, \rows
    .if \width == 32
    add_bytes \at, \width, \row, q3
    .else
    add_bytes \at, \width, \row, q1
    .endif
    .endr
    add_last \width
    .endm

    .macro finish width
    vstrh.16 q0, [r8, q6, uxtw #1]
    vstrh.16 q1, [r8, q7, uxtw #1]
    .if \width == 32
    add r8, #32
    vstrh.16 q2, [r8, q6, uxtw #1]
    vstrh.16 q3, [r8, q7, uxtw #1]
    .endif
    .endm

    .macro next_tile
    add r8, #32
    .endm

    @ void dassdp_k_accumulate_s8(projection, acc, rows, n_rows, adds, image)
    @ stack: 104
    accumulate dassdp_k_accumulate_s8
