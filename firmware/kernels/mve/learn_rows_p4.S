/* Two weights to a byte, 32 columns at a time: of four words low nibbles are 16 columns, high ones 16
 * more. A weight u is raised by 127 - 15, so that one saturating addition of dw to it and its random byte,
 * upper and lower half of a lane as in learn_rows.h, stops at 15; what is then below 0 becomes 0.
 *
 * r0 words of a row behind its last 32 columns; r1 list; r2 rows left; r3 dw; r4-r7 random words; r8 times
 * 32 columns; r9 scratch; r10 112; r11 dw of these columns; r12 row
 * q0 random bytes of high nibbles, then these; q1, q2 bytes; q3 random bytes; q4-q7 dw of even and odd
 * bytes of low nibbles, and of high ones */
#include "random_mve.h"

    .equ RNG, 100                       @ from sp

    @ bytes of q1 by random bytes, which are lost, into q2
    .macro learn_bytes random, even, odd
    vadd.i8 q1, q1, r10
    vmov q2, q1
    vsri.16 q2, \random, #8
    vsli.16 \random, q1, #8
    vqadd.s16 q2, q2, \odd
    vqadd.s16 \random, \random, \even
    vsri.16 q2, \random, #8
    vqsub.s8 q2, q2, r10
    vqshlu.s8 q2, q2, #0
    .endm

    @ random words of two words of weights: low nibbles, high ones
    .macro random_words low, high
    random r4, r7
    random r5, r4
    random r6, r5
    random r7, r6
    vmov \low, r4, r6
    vmov \high, r5, r7
    .endm

    @ void dassdp_k_learn_rows_p4(projection, rows, n_rows, dw_q8, rng, image)
    @ stack: 100
    function dassdp_k_learn_rows_p4
    push {r4-r11, lr}
    vpush {d8-d15}
    ldr r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    ldr r7, [sp, #RNG]
    lsr r8, r0, #4
    lsrs r0, r0, #2
    and r0, r0, #3
    mov r10, #112
    ldr r7, [r7]
1:  ldr r12, [r1], #4
    mov r11, r3
    wls lr, r8, 3f
2:  random_words d6, d0
    vld40.32 {q4, q5, q6, q7}, [r11]
    vld41.32 {q4, q5, q6, q7}, [r11]
    random_words d7, d1
    vld42.32 {q4, q5, q6, q7}, [r11]
    vld43.32 {q4, q5, q6, q7}, [r11]!
    vldrw.u32 q1, [r12]
    vshr.u8 q1, q1, #4
    learn_bytes q0, q6, q7
    vshl.i8 q0, q2, #4
    vldrw.u32 q1, [r12]
    vshl.i8 q1, q1, #4
    vshr.u8 q1, q1, #4
    learn_bytes q3, q4, q5
    vorr q2, q2, q0
    vstrw.32 q2, [r12], #16
    le lr, 2b
3:  wls lr, r0, 5f
4:  random r4, r7
    random r7, r4
    vmov d6, r4, r7
    ldrd r4, r5, [r11], #8
    ldrd r6, r9, [r11], #8
    vmov d8, r4, r6
    vmov d10, r5, r9
    ldr r4, [r12]
    lsr r5, r4, #4
    vmov d2, r4, r5
    vshl.i8 q1, q1, #4
    vshr.u8 q1, q1, #4
    learn_bytes q3, q4, q5
    vmov r4, r5, d4
    orr r4, r4, r5, lsl #4
    str r4, [r12], #4
    le lr, 4b
5:  subs r2, #1
    bne 1b
    ldr r4, [sp, #RNG]
    str r7, [r4]
    vpop {d8-d15}
    pop {r4-r11, pc}
    end_function dassdp_k_learn_rows_p4
