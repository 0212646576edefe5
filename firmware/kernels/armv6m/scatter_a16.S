/* dassdp_k_scatter_a16 for ARMv6-M: two int16 lanes of a word change at once. Sums have their top
 * bits inverted (dassdp_k_scatter_a16_zero), so lanes are unsigned: u = w + 128 is added and 128 taken
 * off, and no lane carries into the next one in the end. Where times is not 1, one column at a time:
 * modulo 2^16 the top bit is no matter. */
#include "asm.h"

    .macro ADD_FOUR
    ldmia r1!, {r6}
    eors r6, r4
    lsrs r7, r6, #8
    ands r6, r3
    ands r7, r3
    ldr r2, [r0]
    ldr r5, [r0, #4]
    adds r2, r2, r6
    add r2, lr
    adds r5, r5, r7
    add r5, lr
    stmia r0!, {r2, r5}
    .endm

    .macro ADD_COLUMN at, shift
    lsls r5, r4, #24 - \shift
    asrs r5, r5, #24
    muls r5, r3, r5
    ldrh r6, [r0, #\at]
    adds r6, r6, r5
    strh r6, [r0, #\at]
    .endm

    @ to the next row of the patch, or out of the function
    .macro NEXT_ROW again
    ldr r5, [sp]
    ldr r6, [sp, #4]
    subs r5, #1
    beq 9f
    str r5, [sp]
    ldr r7, [r6, #8]
    adds r0, r0, r7
    ldr r7, [r6, #12]
    adds r1, r1, r7
    b \again
    .endm

/* void dassdp_k_scatter_a16(acc, row, patch, times)
 * r0 acc, r1 row, r3 mask, r4 0x80808080, lr -0x00800080, r2, r5 sums, r6, r7 weights, r12 end of
 * row; [sp] rows left, [sp + 4] patch */
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
1:  ldr r6, [r6]
    adds r7, r6, r1
    mov r12, r7
    lsls r6, r6, #29
    bpl 3f
2:  ADD_FOUR
    cmp r1, r12
    beq 4f
3:  ADD_FOUR
    ADD_FOUR
    cmp r1, r12
    bne 3b
4:  NEXT_ROW 1b
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
    NEXT_ROW 5b
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
