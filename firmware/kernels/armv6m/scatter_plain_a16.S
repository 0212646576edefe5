/* dassdp_k_scatter_plain_a16 for ARMv6-M: one spike by one to three rows of three taps of one column, as of
 * a depthwise 3x3 kernel, then any number by any taps. */
#include "asm.h"
#include "scatter_taps_v6m.h"

#define ROWS 0                /* the frame: the patch, as far as rows concern it */
#define COLUMNS 4
#define ACC_STEP 8
#define IMAGE_STEP 12
#define PLACE 16              /* bytes from the last column of a place to the next place */
#define FRAME 20

    .macro NEXT_ROW
    add r0, r12
    add r1, lr
    .endm

/* void dassdp_k_scatter_plain_a16(acc, row, patch, times)
 * r0 acc, r1 row, r3 times; then r2, r3 bytes to the next place and the one behind it, r4 0, r7 1, r12, lr
 * steps from row to row; or r2 columns left of a place, r7 columns of a place, lr end of the row. */
@ stack: 40
    function dassdp_k_scatter_plain_a16
    push {r4-r7, lr}
    ldr r7, [r2, #16]
    ldr r6, [r2, #20]
    ldmia r2!, {r4, r5}
    cmp r7, #1
    bne 2f
    cmp r4, #3
    bne 2f
    cmp r3, #1
    bne 2f
    cmp r5, #3
    bhi 2f
    ldmia r2!, {r4, r7}
    adds r7, #3
    mov lr, r7
    mov r2, r6
    adds r3, r6, r6
    adds r4, r4, r6
    adds r4, r4, r3
    mov r12, r4
    movs r4, #0
    movs r7, #1
    cmp r5, #2
    bhi 1f
    beq 7f
    b 8f
1:  ADD_ROW
    NEXT_ROW
7:  ADD_ROW
    NEXT_ROW
8:  ADD_ROW
    pop {r4-r7, pc}

2:  sub sp, #FRAME
    str r5, [sp, #ROWS]
    str r4, [sp, #COLUMNS]
    ldmia r2!, {r4, r5}
    str r4, [sp, #ACC_STEP]
    str r5, [sp, #IMAGE_STEP]
    lsls r4, r7, #1
    subs r6, r6, r4
    str r6, [sp, #PLACE]
3:  ldr r4, [sp, #COLUMNS]
    adds r4, r4, r1
    mov lr, r4
4:  mov r2, r7
5:  ldrb r4, [r1]
    sxtb r4, r4
    muls r4, r3, r4
    ldrh r5, [r0]
    adds r4, r4, r5
    strh r4, [r0]
    adds r1, #1
    adds r0, #2
    subs r2, #1
    bne 5b
    ldr r4, [sp, #PLACE]
    adds r0, r0, r4
    cmp r1, lr
    bne 4b
    ldr r4, [sp, #ACC_STEP]
    adds r0, r0, r4
    ldr r4, [sp, #IMAGE_STEP]
    adds r1, r1, r4
    ldr r4, [sp, #ROWS]
    subs r4, #1
    str r4, [sp, #ROWS]
    bne 3b
    add sp, #FRAME
    pop {r4-r7, pc}
    end_function dassdp_k_scatter_plain_a16
