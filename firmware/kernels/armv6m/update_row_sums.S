/* dassdp_k_update_row_sums for ARMv6-M: dw = (k sums + 2^(row_rshift - 1)) >> row_rshift, four columns a
 * round; entries that are zero leave the round to be counted. */
#include "registers_v6m.h"

#define COLUMNS 36            /* argument on the stack */

    .macro ROUND k, product
    add \product, r11
    asrs \product, r7
    strh \product, [r4, #2 * \k]
    beq .Lzero_\k
.Lcounted_\k:
    .endm

    .macro TWO k, next
    ldmia r2!, {r0}
    ldmia r3!, {r1}
    sxth r5, r0
    sxth r6, r1
    muls r5, r6, r5
    ROUND \k, r5
    asrs r0, r0, #16
    asrs r1, r1, #16
    muls r1, r0, r1
    ROUND \next, r1
    .endm

/* r0 two k, r1 two sums, r2 k, r3 sums, r4 dw_q8, r5, r6 one of each, r7 row_rshift, r8 entries that are
 * not zero, r9 -1, r11 half, r12 end. */
@ stack: 36
    function dassdp_k_update_row_sums
    save_registers
    movs r7, r0
    movs r4, r1
    ldr r0, [sp, #COLUMNS]
    mov r8, r0
    lsls r0, r0, #1
    adds r0, r0, r4
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
    adds r4, r4, #8
    cmp r4, r12
    bne .Lnext_four
    mov r0, r8
    restore_registers
    .irp number, 0, 1, 2, 3
.Lzero_\number:
    add r8, r9
    b .Lcounted_\number
    .endr
    end_function dassdp_k_update_row_sums
