/* dw = k sums rounded >> row_rshift, eight columns at a time. */
#include "update_mve.h"

    @ uint32_t dassdp_k_update_row_sums(rshift, dw_q8, k, sums, n_columns)
    @ stack: 8
    @ r0 entries that are not zero; r1 dw; r2 k; r3 sums; r12 -row_rshift; q3 ones
    function dassdp_k_update_row_sums
    push {r4, lr}
    ldr r4, [sp, #8]
    rsb r12, r0, #0
    vmov.i16 q3, #1
    movs r0, #0
    lsrs r4, r4, #3
    dls lr, r4
1:  vldrh.u16 q0, [r2], #16
    vldrh.u16 q1, [r3], #16
    multiply_and_count
    le lr, 1b
    pop {r4, pc}
    end_function dassdp_k_update_row_sums
