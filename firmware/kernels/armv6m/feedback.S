/* dassdp_k_feedback for ARMv6-M, four weights at a time: the biased bytes u = w + 2^(bits-1) become
 * signed ones as (u + 128 - 2^(bits-1)) ^ 128, no byte of which carries. */
#include "asm.h"

    .macro ADD_PRODUCT w, err
    muls \err, \w, \err
    adds r0, r0, \err
    .endm

/* int32_t dassdp_k_feedback(projection, image, pre_idx, err)
 * r0 sum, r1 row, r2 word, r3 err, r4 r5 errors, r6 weight, r7 error, r12 what makes the bias
 * 128, lr end of the row. */
@ stack: 20
    function dassdp_k_feedback
    push {r4-r7, lr}
    ldr r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    ldrb r5, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    ldrh r6, [r0, #DASSDP_PROJECTION_N_POST]
    muls r4, r2, r4
    adds r1, r1, r4
    movs r0, #0
    cmp r5, #16
    beq .Lwide
    movs r4, #1
    lsls r4, r5
    lsrs r4, r4, #1
    movs r5, #128
    subs r5, r5, r4
    lsls r4, r5, #8
    orrs r5, r4
    lsls r4, r5, #16
    orrs r5, r4
    mov r12, r5
    adds r6, r6, #3
    lsrs r6, r6, #2
    lsls r6, r6, #2
    adds r6, r6, r1
    mov lr, r6
1:  ldmia r1!, {r2}
    ldmia r3!, {r4, r5}
    ldr r7, .Lbyte_signs
    add r2, r12
    eors r2, r7
    sxtb r6, r2
    sxth r7, r4
    ADD_PRODUCT r6, r7
    lsls r6, r2, #8             /* byte 2 is column 1 */
    asrs r6, r6, #24
    asrs r4, r4, #16
    ADD_PRODUCT r6, r4
    lsls r6, r2, #16
    asrs r6, r6, #24
    sxth r7, r5
    ADD_PRODUCT r6, r7
    asrs r2, r2, #24
    asrs r5, r5, #16
    ADD_PRODUCT r2, r5
    cmp r1, lr
    bne 1b
    pop {r4-r7, pc}
.Lwide:
    lsls r6, r6, #1
2:  subs r6, r6, #2
    ldrsh r4, [r1, r6]
    ldrsh r5, [r3, r6]
    ADD_PRODUCT r4, r5
    cmp r6, #0
    bne 2b
    pop {r4-r7, pc}
    .balign 4
.Lbyte_signs:
    .word 0x80808080
    end_function dassdp_k_feedback
