/* dassdp_k_update_row_sums for ARMv6-M: dw = (k sums + 2^(row_rshift - 1)) >> row_rshift. */
#include "update_row_v6m.h"

    .macro TWO k, next
    ldmia r2!, {r0}
    ldmia r3!, {r1}
    sxth r5, r0
    sxth r6, r1
    muls r5, r6, r5
    entry \k, r5, #2 * \k
    asrs r0, r0, #16
    asrs r1, r1, #16
    muls r1, r0, r1
    entry \next, r1, #2 * \next
    .endm

/* r0 two k, r1 two sums, r2 k, r3 sums, r5, r6 one of each. */
@ stack: 36
    function dassdp_k_update_row_sums
    begin_row r4, 1
.Lnext_four:
    TWO 0, 1
    TWO 2, 3
    adds r4, r4, #8
    cmp r4, r12
    bne .Lnext_four
    end_row
    end_function dassdp_k_update_row_sums
