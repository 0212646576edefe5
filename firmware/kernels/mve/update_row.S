/* dw = k n g rounded >> row_rshift, four columns at a time: a rounding shift to the left by
 * -row_rshift. Vanished entries are counted by a vector of ones under their predicate. */
#include "mve.h"

    @ q0 k, to be multiplied by \factor; stores dw, adds to the count
    .macro round_and_count factor
    vmul.i32 q1, q0, \factor
    vrshl.s32 q1, r12
    vstrh.32 q1, [r1], #8
    vptt.i32 ne, q0, zr
    vcmpt.i32 eq, q1, zr
    vaddvat.u32 r0, q3
    .endm

    @ uint32_t dassdp_k_update_row(rule, dw_q8, k, n_columns, n_spikes, latency_post, latency_pre)
    @ stack: 16
    @ r0 vanished; r1 dw; r2 k; r4 g_q7; r5 n_spikes; r6 latency_post; r12 -row_rshift; q3 ones
    function dassdp_k_update_row
    push {r4-r6, lr}
    ldrb r12, [r0, #DASSDP_ERROR_RULE_ROW_RSHIFT]
    ldr r4, [r0, #DASSDP_ERROR_RULE_G_Q7]
    ldr r5, [sp, #16]
    rsb r12, r12, #0
    vmov.i32 q3, #1
    movs r0, #0
    lsrs r3, r3, #2
    dls lr, r3
    cbz r4, 2f
    ldr r6, [sp, #20]
    ldr r3, [sp, #24]
    vdup.32 q2, r3
1:  vldrb.u32 q0, [r6], #4
    vabd.s32 q0, q0, q2
    vldrb.u32 q1, [r4, q0]
    vldrh.s32 q0, [r2], #8
    vmul.i32 q1, q1, r5
    round_and_count q1
    le lr, 1b
    pop {r4-r6, pc}
2:  lsls r5, r5, #7
3:  vldrh.s32 q0, [r2], #8
    round_and_count r5
    le lr, 3b
    pop {r4-r6, pc}
    end_function dassdp_k_update_row
