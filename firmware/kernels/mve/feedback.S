/* One row times an error vector, bias taken off the weights; err is gathered in image order. */
#include "mve.h"

    @ int32_t dassdp_k_feedback(projection, image, pre_idx, err)
    @ stack: 8
    @ r0 sum; r1 row; r2 columns left; r3 err; r12 bias; q0 weights; q1 err; q2 natural columns
    function dassdp_k_feedback
    push {r4, lr}
    ldr r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    ldrb r12, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    mla r1, r2, r4, r1
    movs r0, #0
    cmp r12, #16
    beq 2f
    sub r12, #1
    mov r2, #1
    lsl r12, r2, r12
    adr r2, 9f
    vldrb.u16 q2, [r2]
    lsr r4, r4, #3
    dls lr, r4
1:  vldrb.u16 q0, [r1], #8
    vldrh.u16 q1, [r3, q2, uxtw #1]
    vsub.i16 q0, q0, r12
    adds r3, #16
    vmladava.s16 r0, q0, q1
    le lr, 1b
    pop {r4, pc}
2:  lsr r2, r4, #1                      @ half-words, a multiple of four
    add r4, r2, #7
    lsr r4, r4, #3
    dls lr, r4
3:  vctp.16 r2
    vpstt
    vldrht.u16 q0, [r1], #16
    vldrht.u16 q1, [r3], #16
    subs r2, #8
    vmladava.s16 r0, q0, q1
    le lr, 3b
    pop {r4, pc}
    lane_table
    end_function dassdp_k_feedback
