/* dassdp_k_accumulate_s16 for ARMv6-M: tiles of 8 columns in registers, four rows a round. Columns are
 * a multiple of 8, so there is no other tile. One to three rows: row by row over all sums. */
#include "registers_v6m.h"

#define ACC 0                 /* the frame */
#define LIST 4
#define ENTRY 8
#define END 12
#define ROW_BYTES 16
#define FRAME 20
#define ADDS 56
#define END_OF_FEW 4          /* of the list, behind where the sums begin */
#define ROW_BYTES_OF_FEW 8
#define FRAME_OF_FEW 12
#define ADDS_OF_FEW 20

    .macro ADD_WORD even, odd, w
    sxth r3, \w
    add \even, r3
    asrs \w, \w, #16
    add \odd, \w
    .endm

    .macro ROW
    ldmia r4!, {r2}
    add r2, r12
    ldmia r2!, {r0, r1}
    ADD_WORD r5, r6, r0
    ADD_WORD r7, r8, r1
    ldmia r2!, {r0, r1}
    ADD_WORD r9, r10, r0
    ADD_WORD r11, lr, r1
    .endm
#define ROW_CODE 40

/* void dassdp_k_accumulate_s16(projection, acc, rows, n_rows, adds, image)
 * r5-r11, lr sums, r4 list, r12 bytes done of a row, r2 row, r0, r1 words, r3 a column. */
@ stack: 56
    function dassdp_k_accumulate_s16
    push {r4-r7, lr}
    ldr r7, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    cmp r3, #3
    bhi .Lmany
    /* r1 acc, r3 row, lr its end, r12 list, r0 word, r2 a column, r4-r7 sums */
    lsls r4, r3, #2
    adds r4, r4, r2             /* end of the list */
    ldmia r2!, {r3}
    ldr r0, [sp, #ADDS_OF_FEW]
    push {r1, r4, r7}
.Lrow_of_few:
    mov r12, r2
    adds r7, r7, r3
    mov lr, r7
    cmp r0, #0
    bne .Ladd_row
.Lfirst_row:
    ldmia r3!, {r4, r6}
    asrs r5, r4, #16
    sxth r4, r4
    asrs r7, r6, #16
    sxth r6, r6
    stmia r1!, {r4-r7}
    cmp r3, lr
    bne .Lfirst_row
    b .Lnext_row
.Ladd_row:
    ldmia r1!, {r4-r7}
    subs r1, #16
    ldmia r3!, {r0}
    sxth r2, r0
    adds r4, r4, r2
    asrs r0, r0, #16
    adds r5, r5, r0
    ldmia r3!, {r0}
    sxth r2, r0
    adds r6, r6, r2
    asrs r0, r0, #16
    adds r7, r7, r0
    stmia r1!, {r4-r7}
    cmp r3, lr
    bne .Ladd_row
.Lnext_row:
    ldr r1, [sp, #ACC]
    ldr r0, [sp, #END_OF_FEW]   /* is not 0: all but the first are added */
    ldr r7, [sp, #ROW_BYTES_OF_FEW]
    mov r2, r12
    cmp r2, r0
    beq .Lend_of_few
    ldmia r2!, {r3}
    b .Lrow_of_few
.Lend_of_few:
    add sp, #FRAME_OF_FEW
    pop {r4-r7, pc}

.Lmany:
    mov r12, r7
    save_high_registers
    mov r7, r12
    lsls r6, r3, #2
    adds r6, r6, r2             /* END */
    rsbs r3, r3, #0             /* skip -n_rows % 4 rows of the first round */
    movs r0, #3
    ands r3, r0
    movs r0, #ROW_CODE
    muls r3, r0, r3
    adr r5, .Lrows
    adds r5, r5, r3             /* ENTRY */
    movs r4, r2                 /* LIST */
    movs r3, r1                 /* ACC */
    push {r3-r7}
    movs r0, #0
.Lnext_tile:
    mov r12, r0
    ldr r0, [sp, #ADDS]
    cmp r0, #0
    bne .Ladd_to_sums
    movs r5, r0
    movs r6, r0
    movs r7, r0
    mov r8, r0
    mov r9, r0
    mov r10, r0
    mov r11, r0
    mov lr, r0
.Lenter:
    ldr r4, [sp, #LIST]
    ldr r0, [sp, #ENTRY]
    mov pc, r0

.Ladd_to_sums:
    ldmia r3!, {r5-r7}
    ldmia r3!, {r0-r2}
    mov r8, r0
    mov r9, r1
    mov r10, r2
    ldmia r3!, {r0, r1}
    mov r11, r0
    mov lr, r1
    b .Lenter

    .balign 4
.Lrows:
    ROW
    ROW
    ROW
    ROW
    ldr r0, [sp, #END]
    cmp r4, r0
    bne .Lrows
    ldr r3, [sp, #ACC]
    mov r0, r8
    mov r1, r9
    mov r2, r10
    stmia r3!, {r5-r7}
    stmia r3!, {r0-r2}
    mov r0, r11
    mov r1, lr
    stmia r3!, {r0, r1}
    str r3, [sp, #ACC]
    movs r0, #16
    add r0, r12
    ldr r1, [sp, #ROW_BYTES]
    cmp r0, r1
    bne .Lnext_tile
    add sp, #FRAME
    restore_registers
    end_function dassdp_k_accumulate_s16
