/* dassdp_k_scatter_a16 for ARMv6-M: two int16 lanes of a word change at once. With their top bits
 * inverted lanes are unsigned, u = w + 128 is added and 128 taken off, and no lane carries into the
 * next one in the end. Where times is not 1, one column at a time. */
#include "asm.h"

    .macro ADD_LANES
    ands r7, r3
    eors r7, r5
    ldr r2, [r0]
    eors r2, r4
    adds r2, r2, r7
    subs r2, r2, r5
    eors r2, r4
    stmia r0!, {r2}
    .endm

    .macro ADD_COLUMN at, shift
    lsls r5, r4, #24 - \shift
    asrs r5, r5, #24
    muls r5, r3, r5
    ldrh r6, [r0, #\at]
    adds r6, r6, r5
    strh r6, [r0, #\at]
    .endm

/* void dassdp_k_scatter_a16(acc, row, n_columns, times, conv)
 * r0 acc, r1 row, r2 sums, r3 mask, r4 0x80008000, r5 0x00800080, r6 weights, r7 of a word, r12 end
 * of row */
@ stack: 20
    function dassdp_k_scatter_a16
    push {r4-r7, lr}
    adds r2, r2, r1
    mov r12, r2
    cmp r3, #1
    bne 2f
    ldr r3, .Lmask
    ldr r4, .Ltop
    ldr r5, .Lbias
1:  ldmia r1!, {r6}
    mov r7, r6
    ADD_LANES
    lsrs r7, r6, #8
    ADD_LANES
    cmp r1, r12
    bne 1b
    pop {r4-r7, pc}
2:  ldmia r1!, {r4}
    ADD_COLUMN 0, 0
    ADD_COLUMN 4, 8
    ADD_COLUMN 2, 16
    ADD_COLUMN 6, 24
    adds r0, #8
    cmp r1, r12
    bne 2b
    pop {r4-r7, pc}
    .balign 4
.Lmask: .word 0x00FF00FF
.Ltop: .word 0x80008000
.Lbias: .word 0x00800080
    end_function dassdp_k_scatter_a16
