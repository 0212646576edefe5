/* dassdp_k_scatter_a16 for ARMv6-M: where times is not 1, one column at a time: modulo 2^16 the top bit of
 * a sum is no matter. */
#include "asm.h"
#include "scatter_rows_v6m.h"

    .macro ADD_COLUMN at, shift
    lsls r5, r4, #24 - \shift
    asrs r5, r5, #24
    muls r5, r3, r5
    ldrh r6, [r0, #\at]
    adds r6, r6, r5
    strh r6, [r0, #\at]
    .endm

/* void dassdp_k_scatter_a16(acc, row, patch, times)
 * r0 acc, r1 row, r3 times, r4 weights, r5, r6 sums, r12 end of row; [sp] rows left, [sp, #4] patch */
@ stack: 28
    function dassdp_k_scatter_a16
    push {r1, r2, r4-r7, lr}
    ldr r5, [r2, #4]
    str r5, [sp]
    mov r6, r2
    cmp r3, #1
    bne 5f
    ldr r3, .Lmask
    ldr r4, .Ltop
    ldr r5, .Lbias
    mov lr, r5
    ADD_ROWS 9f
5:  ldr r6, [r6]
    adds r6, r6, r1
    mov r12, r6
6:  ldmia r1!, {r4}
    ADD_COLUMN 0, 0
    ADD_COLUMN 4, 8
    ADD_COLUMN 2, 16
    ADD_COLUMN 6, 24
    adds r0, #8
    cmp r1, r12
    bne 6b
    NEXT_ROW 5b, 9f
9:  add sp, #8
    pop {r4-r7, pc}
    .balign 4
.Lmask: .word 0x00FF00FF
.Ltop:  .word 0x80808080
.Lbias: .word -0x00800080
    end_function dassdp_k_scatter_a16

    .section .rodata.dassdp_k_scatter_a16_zero, "a", %progbits
    .balign 4
    .global dassdp_k_scatter_a16_zero
    .type dassdp_k_scatter_a16_zero, %object
dassdp_k_scatter_a16_zero:
    .word 0x80008000
    .size dassdp_k_scatter_a16_zero, 4
