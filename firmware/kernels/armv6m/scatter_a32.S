/* dassdp_k_scatter_a32 for ARMv6-M: four columns a round; bytes hold columns n0 n2 n1 n3. What is added once
 * goes into four registers, products into one after the other. */
#include "asm.h"

#define PATCH 0               /* the frame */
#define ROWS 4                /* left */
#define FRAME 8

    /* r2 a word's rest, whose lowest byte is of column k; r3 times */
    .macro ADD_PRODUCT k
    sxtb r4, r2
    muls r4, r3, r4
    ldr r5, [r0, #4 * \k]
    adds r5, r5, r4
    str r5, [r0, #4 * \k]
    .endm

/* r0 acc, r1 row, r2 word, r12 times, lr end of the row's sums. */
@ stack: 28
    function dassdp_k_scatter_a32
    push {r4-r7, lr}
    ldr r4, [r2, #4]
    push {r2, r4}
    mov r12, r3
.Lnext_row:
    ldr r2, [r2]
    lsls r2, r2, #2
    adds r2, r2, r0
    mov lr, r2
    cmp r0, lr
    beq .Lrow_done
    mov r3, r12
    cmp r3, #1
    bne .Ltimes
.Lonce:
    ldmia r1!, {r2}
    ldmia r0!, {r4-r7}
    subs r0, r0, #16
    sxtb r3, r2
    adds r4, r4, r3
    asrs r2, r2, #8
    sxtb r3, r2
    adds r6, r6, r3
    asrs r2, r2, #8
    sxtb r3, r2
    adds r5, r5, r3
    asrs r2, r2, #8
    adds r7, r7, r2
    stmia r0!, {r4-r7}
    cmp r0, lr
    bne .Lonce
.Lrow_done:
    ldr r3, [sp, #ROWS]
    subs r3, r3, #1
    beq .Ldone
    str r3, [sp, #ROWS]
    ldr r2, [sp, #PATCH]
    ldr r3, [r2, #8]
    adds r0, r0, r3
    ldr r3, [r2, #12]
    adds r1, r1, r3
    b .Lnext_row
.Ltimes:
    ldmia r1!, {r2}
    ADD_PRODUCT 0
    asrs r2, r2, #8
    ADD_PRODUCT 2
    asrs r2, r2, #8
    ADD_PRODUCT 1
    asrs r2, r2, #8
    ADD_PRODUCT 3
    adds r0, r0, #16
    cmp r0, lr
    bne .Ltimes
    b .Lrow_done
.Ldone:
    add sp, #FRAME
    pop {r4-r7, pc}
    end_function dassdp_k_scatter_a32
