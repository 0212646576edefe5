/* For assembly only: sums of weights below 2^7, 16 columns to a vector. Of half-words (even byte u,
 * odd byte o) A = sum of u + 2^8 o and B = sum of o, by a doubling multiplication by 2^7 that keeps
 * the high half; then A - 2^8 B and B are the columns, A and B starting at -257 bias and -bias:
 * exact modulo 2^16. Even bytes are columns n0, n1 and odd ones n2, n3, so words of both take turns
 * in memory.
 *
 * r11 2^7; q0, q1 and q2, q3 A and B of 16 columns; q4-q6 bytes */
#include "accumulate.h"

    .macro set_up
    mov r11, #128
    .endm

    .macro start width
    add r0, r12, r12, lsl #8
    vdup.16 q0, r0
    vdup.16 q1, r12
    .if \width == 32
    vdup.16 q2, r0
    vdup.16 q3, r12
    .endif
    .endm

    @ what bytes add to A and B
    .macro widen bytes, a, b
    vadd.i16 \a, \a, \bytes
    vqdmlah.s16 \b, \bytes, r11
    .endm

    .macro add_row at, width, row
    vldrw.u32 q4, [\row, #\at]
    .if \width == 32
    vldrw.u32 q5, [\row, #\at + 16]
    widen q4, q0, q1
    widen q5, q2, q3
    .else
    widen q4, q0, q1
    .endif
    .endm

    .macro add_acc even, odd
    vld20.32 {q4, q5}, [r1]
    vld21.32 {q4, q5}, [r1]!
    vadd.i16 \even, \even, q4
    vadd.i16 \odd, \odd, q5
    .endm

    .macro finish width
    mvn r0, #255
    ldr r1, [sp, #ADDS]
    vmla.s16 q0, q1, r0
    .if \width == 32
    vmla.s16 q2, q3, r0
    .endif
    cbz r1, 6f
    mov r1, r8
    add_acc q0, q1
    .if \width == 32
    add_acc q2, q3
    .endif
6:  vst20.32 {q0, q1}, [r8]
    vst21.32 {q0, q1}, [r8]!
    .if \width == 32
    vst20.32 {q2, q3}, [r8]
    vst21.32 {q2, q3}, [r8]!
    .endif
    .endm

    .macro next_tile
    .endm
