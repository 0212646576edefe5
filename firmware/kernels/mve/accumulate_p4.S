/* Two weights to a byte, 32 columns to a vector. Of up to 16 rows S sums bytes and H high nibbles, both
 * modulo 2^8: H is at most 16 * 15, and S - 2^4 H, the low nibbles' sum, too. Then both are widened into
 * int16 lanes, which start at -bias, or at acc less that. Of four words each, low nibbles' even and odd
 * bytes and high ones' take turns in memory.
 *
 * r0-r3 rows; r4 words of a row left; r5 bytes done; r6 rows of a round; r7 rows left; r8 acc of the
 * tile; r9 list, its start in r11; r10 n_rows; r12 -bias
 * q0 S; q1 H; q2, q3 words of rows; q4-q7 sums */
#include "mve.h"

    .equ ADDS, 100                      @ from sp

    .equ FIXED, 0                       @ the tile's place in the row is known,
    .equ MOVED, 1                       @ or is r5,
    .equ PARTLY, 2                      @ and the row ends within it, where the mask says

    .macro load q, row, at, how
    .if \how == PARTLY
    vpst
    vldrwt.u32 \q, [\row]
    .else
    vldrw.u32 \q, [\row, #\at]
    .endif
    .endm

    .macro add_offset how, rows:vararg
    .if \how
    .irp row, \rows
    add \row, r5
    .endr
    .endif
    .endm

    .macro add_two first, second, at, how
    load q2, \first, \at, \how
    vadd.i8 q0, q0, q2
    load q3, \second, \at, \how
    vshr.u8 q2, q2, #4
    vadd.i8 q0, q0, q3
    vshr.u8 q3, q3, #4
    vadd.i8 q1, q1, q2
    vadd.i8 q1, q1, q3
    .endm

    .macro widen bytes, even, odd
    vmovlb.u8 q2, \bytes
    vmovlt.u8 q3, \bytes
    vadd.i16 \even, \even, q2
    vadd.i16 \odd, \odd, q3
    .endm

    @ words of acc of a tile that its columns do not fill: every fourth from \at on
    .macro part_of op, q, at
    adds r0, r8, #\at
    vpst
    \op \q, [r0, q3]
    .endm

    .macro tile at, how
    .if \how == PARTLY
    vctp.32 r4
    movs r0, #0
    vidup.u32 q3, r0, #8                @ 0, 8, 16, 24
    vshl.i32 q3, q3, #1
    .endif
    vdup.16 q4, r12
    vmov q5, q4
    vmov q6, q4
    vmov q7, q4
    ldr r0, [sp, #ADDS]
    cbz r0, 1f
    .if \how == PARTLY
    part_of vldrwt.u32, q4, 0
    part_of vldrwt.u32, q5, 4
    part_of vldrwt.u32, q6, 8
    part_of vldrwt.u32, q7, 12
    .else
    vld40.32 {q4, q5, q6, q7}, [r8]
    vld41.32 {q4, q5, q6, q7}, [r8]
    vld42.32 {q4, q5, q6, q7}, [r8]
    vld43.32 {q4, q5, q6, q7}, [r8]
    .endif
    .irp sums, q4, q5, q6, q7
    vadd.i16 \sums, \sums, r12
    .endr
1:  mov r9, r11
    mov r7, r10
2:  vmov.i8 q0, #0
    vmov.i8 q1, #0
    cmp r7, #16
    ite hi
    movhi r6, #16
    movls r6, r7
    subs r7, r6
    and lr, r6, #3
    wls lr, lr, 4f
3:  ldr r0, [r9], #4
    add_offset \how, r0
    load q2, r0, \at, \how
    vadd.i8 q0, q0, q2
    vshr.u8 q2, q2, #4
    vadd.i8 q1, q1, q2
    le lr, 3b
4:  lsr lr, r6, #2
    wls lr, lr, 6f
5:  ldm r9!, {r0-r3}
    add_offset \how, r0, r1, r2, r3
    add_two r0, r1, \at, \how
    add_two r2, r3, \at, \how
    le lr, 5b
6:  vshl.i8 q2, q1, #4
    vsub.i8 q0, q0, q2
    widen q0, q4, q5
    widen q1, q6, q7
    cmp r7, #0
    bne 2b
    .if \how == PARTLY
    movs r0, #0
    vidup.u32 q3, r0, #8
    vshl.i32 q3, q3, #1
    part_of vstrwt.32, q4, 0
    part_of vstrwt.32, q5, 4
    part_of vstrwt.32, q6, 8
    part_of vstrwt.32, q7, 12
    .else
    vst40.32 {q4, q5, q6, q7}, [r8]
    vst41.32 {q4, q5, q6, q7}, [r8]
    vst42.32 {q4, q5, q6, q7}, [r8]
    vst43.32 {q4, q5, q6, q7}, [r8]!
    .endif
    .endm

    @ void dassdp_k_accumulate_p4(projection, acc, rows, n_rows, adds, image)
    @ stack: 100
    function dassdp_k_accumulate_p4
    push {r4-r11, lr}
    vpush {d8-d15}
    mov r8, r1
    mov r11, r2
    mov r10, r3
    lsl r12, r3, #3
    rsb r12, r12, #0
    ldr r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    movs r5, #0
    lsrs r4, r4, #2
    subs r4, #4
    blo 30f
    tile 0, FIXED
    adds r5, #16
    subs r4, #4
    blo 30f
    tile 16, FIXED
    adds r5, #16
    subs r4, #4
    blo 30f
20: tile 0, MOVED
    adds r5, #16
    subs r4, #4
    bhs 20b
30: adds r4, #4
    beq 40f
    tile 0, PARTLY
40: vpop {d8-d15}
    pop {r4-r11, pc}
    end_function dassdp_k_accumulate_p4
