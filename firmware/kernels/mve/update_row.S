/* dw = k n g rounded >> row_rshift, eight columns at a time: n g is below 2^15, as n_spikes < 2^8
 * and g_q7 <= 2^7; products of even and odd columns are 32 bits wide, their rounding shift is one
 * to the left by -row_rshift. Vanished entries are counted by a vector of ones under their
 * predicate. */
#include "mve.h"

    @ q0 k, q1 n g
    .macro multiply_and_count
    vmullb.s16 q2, q0, q1
    vmullt.s16 q1, q0, q1
    vrshl.s32 q2, r12
    vrshl.s32 q1, r12
    vmovnt.i32 q2, q1
    vstrh.16 q2, [r1], #16
    vptt.i16 ne, q0, zr
    vcmpt.i16 eq, q2, zr
    vaddvat.u16 r0, q3
    .endm

    @ uint32_t dassdp_k_update_row(rule, dw_q8, k, n_columns, n_spikes, latency_post, latency_pre)
    @ stack: 32
    @ r0 vanished; r1 dw; r2 k; r4 g_q7; r5 n_spikes; r6 latency_post; r12 -row_rshift; q3 ones;
    @ q4 latency_pre, or n g of all columns
    function dassdp_k_update_row
    push {r4-r6, lr}
    vpush {d8-d9}
    ldrb r12, [r0, #DASSDP_UPDATE_ROW_RSHIFT]
    ldr r4, [r0, #DASSDP_UPDATE_G_Q7]
    ldr r5, [sp, #32]
    rsb r12, r12, #0
    vmov.i16 q3, #1
    movs r0, #0
    lsrs r3, r3, #3
    dls lr, r3
    cbz r4, 2f
    ldrd r6, r3, [sp, #36]
    vdup.16 q4, r3
1:  vldrb.u16 q0, [r6], #8
    vabd.s16 q0, q0, q4
    vldrb.u16 q1, [r4, q0]
    vldrh.u16 q0, [r2], #16
    vmul.i16 q1, q1, r5
    multiply_and_count
    le lr, 1b
    b 4f
2:  lsls r5, r5, #7
    vdup.16 q4, r5
3:  vldrh.u16 q0, [r2], #16
    vmov q1, q4
    multiply_and_count
    le lr, 3b
4:  vpop {d8-d9}
    pop {r4-r6, pc}
    end_function dassdp_k_update_row
