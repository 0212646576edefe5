/* dassdp_k_update_row_placed for ARMv6-M: dw = (k sums + 2^(row_rshift - 1)) >> row_rshift. */
#include "update_row_v6m.h"

    /* From one of the sums; r0 its place, k above which it stands in r6 */
    .macro ONE number, sum
    ldmia r2!, {r0}
    sxth r6, r0
    muls \sum, r6, \sum
    lsrs r0, r0, #16
    entry \number, \sum, r0
    .endm

    .macro TWO number, next
    ldmia r3!, {r1}
    sxth r5, r1
    ONE \number, r5
    asrs r1, r1, #16
    ONE \next, r1
    .endm

/* r0 a place and k, r1 two sums, r2 k, r3 sums, r5 a sum, r6 k. */
@ stack: 36
    function dassdp_k_update_row_placed
    begin_row r2, 2
.Lnext_four:
    TWO 0, 1
    TWO 2, 3
    cmp r2, r12
    bne .Lnext_four
    end_row
    end_function dassdp_k_update_row_placed
