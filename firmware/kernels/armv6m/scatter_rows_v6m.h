/* One spike into rows of two int16 lanes to a word. Sums have their top bits inverted
 * (dassdp_k_scatter_a16_zero), so lanes are unsigned: u = w + 128 is added and 128 taken off, and no lane
 * carries into the next one in the end. */
#ifndef DASSDP_SCATTER_ROWS_V6M_H
#define DASSDP_SCATTER_ROWS_V6M_H

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

    @ to the next row of the patch, or to where all are done
    .macro NEXT_ROW again, done
    ldr r5, [sp]
    ldr r6, [sp, #4]
    subs r5, #1
    beq \done
    str r5, [sp]
    ldr r7, [r6, #8]
    adds r0, r0, r7
    ldr r7, [r6, #12]
    adds r1, r1, r7
    b \again
    .endm

    @ r0 acc, r1 row, r3 mask, r4 0x80808080, r6 patch, lr -0x00800080; [sp] rows left, [sp, #4] patch; r2, r5
    @ sums, r6, r7 weights, r12 end of row
    .macro ADD_ROWS done
31: ldr r6, [r6]
    adds r7, r6, r1
    mov r12, r7
    lsls r6, r6, #29
    bpl 33f
32: ADD_FOUR
    cmp r1, r12
    beq 34f
33: ADD_FOUR
    ADD_FOUR
    cmp r1, r12
    bne 33b
34: NEXT_ROW 31b, \done
    .endm

#endif
