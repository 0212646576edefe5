/* For assembly only: sums of listed rows, in tiles of 32 and 16 columns kept in registers; the
 * kernel that includes this says how, by macros: set_up; start, add_row, add_four and finish for
 * a width of 32 or 16 columns; next_tile.
 *
 * r0-r7 rows; r8 acc of the tile; r9 list; r10 n_rows; r11 the kernel's; r12 -bias
 * behind the first 64 columns r0-r3 rows; r4 first column; r5 columns left, less 32 */
#include "mve.h"

    .equ ADDS, 104                      @ from sp
    .equ PROJECTION, 64

    @ 32 of the first 64 columns, from column \at: the list is walked to its end, or back (down)
    .macro first_tile at, down
    start 32
    and lr, r10, #7
    wls lr, lr, 3f
2:
    .if \down
    ldr r0, [r9, #-4]!
    .else
    ldr r0, [r9], #4
    .endif
    add_row \at, 32, r0
    le lr, 2b
3:  lsr lr, r10, #3
    wls lr, lr, 5f
4:
    .if \down
    ldmdb r9!, {r0-r7}
    .else
    ldm r9!, {r0-r7}
    .endif
    add_four \at, 32, r0, r1, r2, r3
    add_four \at, 32, r4, r5, r6, r7
    le lr, 4b
5:  finish 32
    .endm

    @ columns r4 to r4 + \width - 1
    .macro tile width
    start \width
    and lr, r10, #3
    wls lr, lr, 3f
2:  ldr r0, [r9], #4
    add r0, r4
    add_row 0, \width, r0
    le lr, 2b
3:  lsr lr, r10, #2
    wls lr, lr, 5f
4:  ldm r9!, {r0-r3}
    .irp row, r0, r1, r2, r3
    add \row, r4
    .endr
    add_four 0, \width, r0, r1, r2, r3
    le lr, 4b
5:  sub r9, r9, r10, lsl #2
    finish \width
    .endm

    @ the last 8 columns, row by row, widened by the load and scattered into natural order
    .macro tile_of_8
    adr r0, 9f
    vldrb.u16 q2, [r0]
    vdup.16 q0, r12
    ldr r0, [sp, #ADDS]
    cbz r0, 1f
    vldrh.u16 q1, [r8, q2, uxtw #1]
    vadd.i16 q0, q0, q1
1:  dls lr, r10
2:  ldr r0, [r9], #4
    add r0, r4
    vldrb.u16 q1, [r0]
    vadd.i16 q0, q0, q1
    le lr, 2b
    vstrh.16 q0, [r8, q2, uxtw #1]
    .endm

    .macro accumulate name
    function \name
    push {r0, r4-r11, lr}
    vpush {d8-d15}
    mov r8, r1
    mov r9, r2
    mov r10, r3
    ldrb r12, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    ldr r5, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    sub r12, #1
    lsl r12, r3, r12
    rsb r12, r12, #0
    set_up
    subs r5, #64                        @ the first two tiles leave the flags alone
    blo 10f
    first_tile 0, 0
    next_tile
    first_tile 32, 1
    beq 40f
    next_tile
    movs r4, #64
    ldr r5, [sp, #PROJECTION]
    ldr r5, [r5, #DASSDP_PROJECTION_ROW_BYTES]
    subs r5, #96
    b 11f
10: movs r4, #0
    adds r5, #32
11: blt 30f
20: tile 32
    next_tile
    adds r4, #32
    subs r5, #32
    bge 20b
30: lsls r0, r5, #28                    @ bit 4 to carry, bit 3 to sign
    bcc 31f
    tile 16
    next_tile
    adds r4, #16
31: lsls r0, r5, #28
    bpl 40f
    tile_of_8
40: vpop {d8-d15}
    pop {r0, r4-r11, pc}
    lane_table
    end_function \name
    .endm
