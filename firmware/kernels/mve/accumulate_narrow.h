/* For assembly only: sums of weights below 2^7, 16 columns to a vector. Of half-words (even byte u,
 * odd byte o) A = sum of u + 2^8 o and B = sum of o, by a doubling multiplication by 2^7 that keeps
 * the high half; then A - 2^8 B and B are the columns, A and B starting at -257 bias and -bias:
 * exact modulo 2^16. Even bytes are columns n0, n1 and odd ones n2, n3, so words of both vectors take
 * turns in memory.
 *
 * r0 2^7; r1 acc of the tile; r2 list; r3 n_rows; r4-r7 rows; r8 n_rows / 4; r9 n_rows % 4;
 * r10 -bias; r11 columns left; r12 first column of a tile behind the first 64
 * q0, q1 and q2, q3 A and B of 16 columns; q4-q6 bytes */
#include "mve.h"

    .equ SAVED, 84

    @ what the bytes of \bytes add to A and B
    .macro widen bytes, a, b
    vadd.i16 \a, \a, \bytes
    vqdmlah.s16 \b, \bytes, r0
    .endm

    @ even columns in \even; the sums so far are added if asked for
    .macro finish even, odd, other
    vmla.s16 \even, \odd, r4
    .endm

    @ columns \at + r12 of the rows, r12 only where \moved; \row and \rows add one and four
    .macro tile at, vectors, moved
    add r4, r10, r10, lsl #8
    vdup.16 q0, r4
    vdup.16 q1, r10
    .if \vectors == 2
    vdup.16 q2, r4
    vdup.16 q3, r10
    .endif
    wls lr, r9, 3f
2:  ldr r4, [r2], #4
    .if \moved
    add r4, r12
    .endif
    vldrw.u32 q4, [r4, #\at]
    .if \vectors == 2
    vldrw.u32 q5, [r4, #\at + 16]
    widen q4, q0, q1
    widen q5, q2, q3
    .else
    widen q4, q0, q1
    .endif
    le lr, 2b
3:  wls lr, r8, 5f
4:  ldm r2!, {r4-r7}
    .if \moved
    .irp row, r4, r5, r6, r7
    add \row, r12
    .endr
    .endif
    four_rows \at, \vectors
    le lr, 4b
5:  sub r2, r2, r3, lsl #2
    mvn r4, #255
    ldr r5, [sp, #SAVED]
    vmla.s16 q0, q1, r4
    .if \vectors == 2
    vmla.s16 q2, q3, r4
    .endif
    cbz r5, 6f
    mov r4, r1
    vld20.32 {q4, q5}, [r4]
    vld21.32 {q4, q5}, [r4]!
    vadd.i16 q0, q0, q4
    vadd.i16 q1, q1, q5
    .if \vectors == 2
    vld20.32 {q4, q5}, [r4]
    vld21.32 {q4, q5}, [r4]
    vadd.i16 q2, q2, q4
    vadd.i16 q3, q3, q5
    .endif
6:  vst20.32 {q0, q1}, [r1]
    vst21.32 {q0, q1}, [r1]!
    .if \vectors == 2
    vst20.32 {q2, q3}, [r1]
    vst21.32 {q2, q3}, [r1]!
    .endif
    .endm

    @ the last 8 columns, row by row, widened by the load
    .macro tile_of_8
    adr r4, 9f
    vldrb.u16 q2, [r4]
    vdup.16 q0, r10
    ldr r5, [sp, #SAVED]
    cbz r5, 1f
    vldrh.u16 q1, [r1, q2, uxtw #1]
    vadd.i16 q0, q0, q1
1:  dls lr, r3
2:  ldr r4, [r2], #4
    add r4, r12
    vldrb.u16 q1, [r4]
    vadd.i16 q0, q0, q1
    le lr, 2b
    vstrh.16 q0, [r1, q2, uxtw #1]
    .endm

    .macro accumulate_narrow name
    function \name
    push {r4-r11, lr}
    vpush {d8-d13}
    ldrb r10, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    ldr r11, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    movs r0, #128
    sub r10, #1
    lsl r10, r3, r10
    rsb r10, r10, #0
    and r9, r3, #3
    lsr r8, r3, #2
    mov r12, #0
    subs r11, #32
    blo 20f
    tile 0, 2, 0
    mov r12, #32
    subs r11, #32
    blo 20f
    tile 32, 2, 0
10: add r12, #32
    subs r11, #32
    blo 20f
    tile 0, 2, 1
    b 10b
20: adds r11, #32
    beq 40f
    lsls r11, #28
    bcc 30f
    tile 0, 1, 1
    add r12, #16
30: cmp r11, #0
    beq 40f
    tile_of_8
40: vpop {d8-d13}
    pop {r4-r11, pc}
    .balign 4
9:  .byte 0, 2, 1, 3, 4, 6, 5, 7
    end_function \name
    .endm
