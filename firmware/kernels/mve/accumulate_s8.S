/* Sums of 8-bit weights in tiles of 32, 16 and 8 columns: a tile starts at -bias, or at acc - bias,
 * adds the widened bytes of every row, and is scattered into natural order.
 *
 * r1 acc of the tile; r2 list; r3 n_rows; r4-r7 rows; r8 n_rows / 4; r9 n_rows % 4; r10 -bias;
 * r0 adds; r11 columns left; r12 first column of a tile behind the first 64
 * q0-q3 sums; q4, q5 bytes; q6, q7 natural columns of 16 bytes of the image */
#include "mve.h"

    @ loads and additions take turns, so that they overlap: \pending still waits for q5
    .macro add_pair row, at, pending, sum
    vldrb.u16 q4, [\row, #\at]
    .ifnb \pending
    vadd.i16 \pending, \pending, q5
    .endif
    vldrb.u16 q5, [\row, #\at + 8]
    vadd.i16 \sum, \sum, q4
    .endm

    .macro add_row row, at, vectors, pending
    .if \vectors == 1
    vldrb.u16 q4, [\row, #\at]
    vadd.i16 q0, q0, q4
    .elseif \vectors == 2
    add_pair \row, \at, \pending, q0
    .else
    add_pair \row, \at, \pending, q0
    add_pair \row, \at + 16, q1, q2
    .endif
    .endm

    @ what still waits behind a row or a block of rows
    .macro add_last vectors
    .if \vectors == 2
    vadd.i16 q1, q1, q5
    .elseif \vectors == 4
    vadd.i16 q3, q3, q5
    .endif
    .endm

    @ columns \at + r12 of the rows, r12 only where \moved
    .macro tile at, vectors, moved
    vdup.16 q0, r10
    .if \vectors > 1
    vdup.16 q1, r10
    .endif
    .if \vectors > 2
    vdup.16 q2, r10
    vdup.16 q3, r10
    .endif
    cbz r0, 1f
    vldrh.u16 q4, [r1, q6, uxtw #1]
    vadd.i16 q0, q0, q4
    .if \vectors > 1
    vldrh.u16 q4, [r1, q7, uxtw #1]
    vadd.i16 q1, q1, q4
    .endif
    .if \vectors > 2
    add r4, r1, #32
    vldrh.u16 q4, [r4, q6, uxtw #1]
    vadd.i16 q2, q2, q4
    vldrh.u16 q4, [r4, q7, uxtw #1]
    vadd.i16 q3, q3, q4
    .endif
1:  wls lr, r9, 3f
2:  ldr r4, [r2], #4
    .if \moved
    add r4, r12
    .endif
    add_row r4, \at, \vectors
    add_last \vectors
    le lr, 2b
3:  wls lr, r8, 5f
4:  ldm r2!, {r4-r7}
    .if \moved
    .irp row, r4, r5, r6, r7
    add \row, r12
    .endr
    .endif
    add_row r4, \at, \vectors
    .irp row, r5, r6, r7
    .if \vectors == 2
    add_row \row, \at, \vectors, q1
    .else
    add_row \row, \at, \vectors, q3
    .endif
    .endr
    add_last \vectors
    le lr, 4b
5:  sub r2, r2, r3, lsl #2
    vstrh.16 q0, [r1, q6, uxtw #1]
    .if \vectors > 1
    vstrh.16 q1, [r1, q7, uxtw #1]
    adds r1, #32
    .endif
    .if \vectors > 2
    vstrh.16 q2, [r1, q6, uxtw #1]
    vstrh.16 q3, [r1, q7, uxtw #1]
    adds r1, #32
    .endif
    .endm

    @ void dassdp_k_accumulate_s8(projection, acc, rows, n_rows, adds, image)
    @ stack: 100
    function dassdp_k_accumulate_s8
    push {r4-r11, lr}
    vpush {d8-d15}
    ldrb r10, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    ldr r11, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    ldr r0, [sp, #100]
    sub r10, #1
    lsl r10, r3, r10
    rsb r10, r10, #0
    and r9, r3, #3
    lsr r8, r3, #2
    adr r4, 9f
    vldrb.u16 q6, [r4]
    vldrb.u16 q7, [r4, #8]
    mov r12, #0
    subs r11, #32
    blo 20f
    tile 0, 4, 0
    mov r12, #32
    subs r11, #32
    blo 20f
    tile 32, 4, 0
10: add r12, #32
    subs r11, #32
    blo 20f
    tile 0, 4, 1
    b 10b
20: adds r11, #32
    beq 40f
    lsls r11, #28
    bcc 30f
    tile 0, 2, 1
    add r12, #16
30: cmp r11, #0
    beq 40f
    tile 0, 1, 1
40: vpop {d8-d15}
    pop {r4-r11, pc}
    lane_table
    end_function dassdp_k_accumulate_s8
