/* dw = k sums rounded >> row_rshift, eight columns at a time. */
#include "update_mve.h"

    @ uint32_t dassdp_k_update_row_placed(rshift, dw_q8, placed, sums, n_columns)
    @ stack: 24
    @ r0 entries that are not zero; r1 dw; r2 k and places; r3 sums; r12 -row_rshift; q3 ones
    function dassdp_k_update_row_placed
    push {r4, lr}
    vpush {d8-d9}
    ldr r4, [sp, #24]
    rsb r12, r0, #0
    vmov.i16 q3, #1
    movs r0, #0
    lsrs r4, r4, #3
    dls lr, r4
1:  vld20.16 {q0, q1}, [r2]
    vld21.16 {q0, q1}, [r2]!
    vmov q4, q1
    vldrh.u16 q1, [r3], #16
    multiply
    vstrh.16 q2, [r1, q4]
    count
    le lr, 1b
    vpop {d8-d9}
    pop {r4, pc}
    end_function dassdp_k_update_row_placed
