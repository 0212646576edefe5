/* For assembly only: w = sat(w + (dw + random byte) >> 8), 16 columns at a time. With the biased
 * byte u less 128 = w in the upper and the random byte in the lower half of a lane, one
 * saturating addition of dw leaves the new w in the upper half. Even bytes are columns n0, n1 and
 * odd ones n2, n3: words of dw take turns.
 *
 * r0 row_bytes & 8; r1 list; r2 rows left; r3 dw; r4-r7 random words; r8 row_bytes / 16; r10
 * address of the random state; r11 dw of these columns; r12 row
 * q0 16 times 128; q1, q2 bytes; q3 random bytes; q4, q5 dw of even and odd bytes; q6 largest u */
#include "random_mve.h"

    @ bytes of q1 by random bytes of q3; the sum of what is below 0 is 0 and of what is above, u_max
    .macro learn_bytes clips
    veor q1, q1, q0
    vmov q2, q1
    vsri.16 q2, q3, #8
    vsli.16 q3, q1, #8
    vqadd.s16 q2, q2, q5
    vqadd.s16 q3, q3, q4
    vsri.16 q2, q3, #8
    veor q2, q2, q0
    .if \clips
    vmin.u8 q2, q2, q6
    .endif
    .endm

    .macro learn_rows name, clips
    function \name
    push {r4-r8, r10, r11, lr}
    vpush {d8-d13}
    ldr r10, [sp, #80]
    ldr r8, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    .if \clips
    ldrb r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    movs r5, #1
    lsls r5, r4
    subs r5, #1
    vdup.8 q6, r5
    .endif
    and r0, r8, #8
    lsr r8, r8, #4
    movs r4, #128
    vdup.8 q0, r4
    ldr r7, [r10]
1:  ldr r12, [r1], #4
    mov r11, r3
    wls lr, r8, 3f
2:  vldrw.u32 q1, [r12]
    random r4, r7
    random r5, r4
    vmov d6, r4, r5
    random r6, r5
    vld20.32 {q4, q5}, [r11]
    random r7, r6
    vmov d7, r6, r7
    vld21.32 {q4, q5}, [r11]!
    learn_bytes \clips
    vstrw.32 q2, [r12], #16
    le lr, 2b
3:  cbz r0, 4f
    random r4, r7
    random r7, r4
    vmov d6, r4, r7
    ldm r11, {r4-r6, r11}
    vmov d8, r4, r6
    vmov d10, r5, r11
    ldrd r4, r5, [r12]
    vmov d2, r4, r5
    learn_bytes \clips
    vmov r4, r5, d4
    strd r4, r5, [r12]
4:  subs r2, #1
    bne 1b
    str r7, [r10]
    vpop {d8-d13}
    pop {r4-r8, r10, r11, pc}
    end_function \name
    .endm
