/* dassdp_k_update_row_placed for ARMv6-M: dw = (k sums + 2^(row_rshift - 1)) >> row_rshift, four columns a
 * round; entries that are zero leave the round to be counted. */
#include "registers_v6m.h"

#define COLUMNS 36            /* argument on the stack */

    /* From r5 one of the sums; r0 its place, k above which it stands in r6 */
    .macro ONE number, sum
    ldmia r2!, {r0}
    sxth r6, r0
    muls \sum, r6, \sum
    lsrs r0, r0, #16
    add \sum, r11
    asrs \sum, r7
    strh \sum, [r4, r0]
    beq .Lzero_\number
.Lcounted_\number:
    .endm

    .macro TWO number, next
    ldmia r3!, {r1}
    sxth r5, r1
    ONE \number, r5
    asrs r1, r1, #16
    ONE \next, r1
    .endm

/* r0 a place and k, r1 two sums, r2 k, r3 sums, r4 dw_q8, r5 a sum, r6 k, r7 row_rshift, r8 entries that are
 * not zero, r9 -1, r11 half, r12 end. */
@ stack: 36
    function dassdp_k_update_row_placed
    save_registers
    movs r7, r0
    movs r4, r1
    ldr r0, [sp, #COLUMNS]
    mov r8, r0
    lsls r0, r0, #2
    adds r0, r0, r2
    mov r12, r0
    movs r1, #1
    rsbs r0, r1, #0
    mov r9, r0
    lsls r1, r7
    lsrs r1, r1, #1
    mov r11, r1
.Lnext_four:
    TWO 0, 1
    TWO 2, 3
    cmp r2, r12
    bne .Lnext_four
    mov r0, r8
    restore_registers
    .irp number, 0, 1, 2, 3
.Lzero_\number:
    add r8, r9
    b .Lcounted_\number
    .endr
    end_function dassdp_k_update_row_placed
