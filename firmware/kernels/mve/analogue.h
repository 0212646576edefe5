/* For assembly only: sums of biased weights times currents in lanes of E bits, modulo 2^E. A
 * vector holds the sums of 128 / E columns; a tile of four vectors, two or one starts at -bias,
 * or at acc less that, and is scattered into natural order.
 *
 * r0 factory image, of this tile; r1 acc of the tile; r2 x; r3 adds; r4 row; r5 x_j; r6 n_pre; r7
 * row_bytes; r8 -bias; r9 next x; r10 columns left
 * q0-q3 sums; q4, q5 weights; q6, q7 natural columns of two vectors in image order */
#include "mve.h"

    .equ VECTOR, 128 / E                @ columns

    .macro load_vector to, base, at
    .if E == 16
    vldrb.u16 \to, [\base, #\at]
    .else
    vldrb.u32 \to, [\base, #\at]
    .endif
    .endm

    .macro multiply sum, weights
    .if E == 16
    vmla.s16 \sum, \weights, r5
    .else
    vmla.s32 \sum, \weights, r5
    .endif
    .endm

    .macro start sum
    .if E == 16
    vdup.16 \sum, r8
    .else
    vdup.32 \sum, r8
    .endif
    .endm

    .macro add_acc sum, at, columns
    .if E == 16
    vldrh.u16 q4, [\at, \columns, uxtw #1]
    vadd.i16 \sum, \sum, q4
    .else
    vldrw.u32 q4, [\at, \columns, uxtw #2]
    vadd.i32 \sum, \sum, q4
    .endif
    .endm

    .macro scatter sum, columns
    .if E == 16
    vstrh.16 \sum, [r1, \columns, uxtw #1]
    .else
    vstrw.32 \sum, [r1, \columns, uxtw #2]
    .endif
    .endm

    @ loads and products take turns, so that they overlap: \pending still waits for q5
    .macro multiply_pair at, sum, pending
    load_vector q4, r4, \at
    .ifnb \pending
    multiply \pending, q5
    .endif
    load_vector q5, r4, \at+VECTOR
    multiply \sum, q4
    .endm

    .macro tile vectors
    start q0
    .if \vectors > 1
    start q1
    .endif
    .if \vectors > 2
    start q2
    start q3
    .endif
    cbz r3, 1f
    add_acc q0, r1, q6
    .if \vectors > 1
    add_acc q1, r1, q7
    .endif
    .if \vectors > 2
    add r4, r1, #32
    add_acc q2, r4, q6
    add_acc q3, r4, q7
    .endif
1:  mov r4, r0
    mov r9, r2
    dls lr, r6
2:  ldrsb r5, [r9], #1
    .if \vectors == 1
    load_vector q4, r4, 0
    multiply q0, q4
    .else
    multiply_pair 0, q0
    .if \vectors > 2
    multiply_pair 2*VECTOR, q2, q1
    multiply q3, q5
    .else
    multiply q1, q5
    .endif
    .endif
    add r4, r7
    le lr, 2b
    scatter q0, q6
    .if \vectors > 1
    scatter q1, q7
    .endif
    .if \vectors > 2
    add r1, #32
    scatter q2, q6
    scatter q3, q7
    .endif
    .endm

    .macro analogue name
    function \name
    push {r4-r10, lr}
    vpush {d8-d15}
    ldrb r9, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    ldrh r6, [r0, #DASSDP_PROJECTION_N_PRE]
    ldr r7, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    ldr r0, [r0, #DASSDP_PROJECTION_FACTORY]
    mov r4, r2                          @ r8: the sum of x, 16 at a time
    mov r5, r6
    movs r8, #0
    add r10, r6, #15
    lsr r10, r10, #4
    dls lr, r10
1:  vctp.8 r5
    vpst
    vldrbt.u8 q0, [r4], #16
    subs r5, #16
    vpst
    vaddvat.s8 r8, q0
    le lr, 1b
    sub r9, #1
    lsl r8, r8, r9
    rsb r8, r8, #0
    adr r5, 9f
    load_vector q6, r5, 0
    load_vector q7, r5, VECTOR
    mov r10, r7
10: subs r10, #4 * VECTOR
    blo 20f
    tile 4
    add r0, #4 * VECTOR
    add r1, #32
    b 10b
20:
    .if E == 16
    tst r10, #16
    beq 30f
    tile 2
    add r0, #16
    add r1, #32
30: tst r10, #8
    beq 40f
    tile 1
    .else
    tst r10, #8
    beq 40f
    tile 2
    .endif
40: vpop {d8-d15}
    pop {r4-r10, pc}
    lane_table
    end_function \name
    .endm
