/* dw = k n g rounded >> row_rshift, eight columns at a time: n g is below 2^15, as n_spikes < 2^8
 * and g_q7 <= 2^7. */
#include "update_mve.h"

    @ uint32_t dassdp_k_update_row(rshift, dw_q8, k, n_columns, n_spikes, latency_post, g_q7)
    @ stack: 16
    @ r0 entries that are not zero; r1 dw; r2 k; r3 g_q7; r4 n_spikes; r5 latency_post; r12 -row_rshift;
    @ q3 ones
    function dassdp_k_update_row
    push {r4-r6, lr}
    ldrd r4, r5, [sp, #16]
    lsrs r6, r3, #3
    ldr r3, [sp, #24]
    rsb r12, r0, #0
    vmov.i16 q3, #1
    movs r0, #0
    dls lr, r6
    cbz r3, 2f
1:  vldrb.u16 q0, [r5], #8
    vldrb.u16 q1, [r3, q0]
    vldrh.u16 q0, [r2], #16
    vmul.i16 q1, q1, r4
    multiply_and_count
    le lr, 1b
    pop {r4-r6, pc}
2:  lsls r4, r4, #7
3:  vldrh.u16 q0, [r2], #16
    vdup.16 q1, r4
    multiply_and_count
    le lr, 3b
    pop {r4-r6, pc}
    end_function dassdp_k_update_row
