/* dassdp_k_accumulate_s8 for ARMv6-M: tiles of 16 columns, three instructions for every four weights.
 * E_i are the even lanes' sums, what is left the odd ones'. Sums start at 32768 - n bias, so that no lane
 * leaves 0..65535, and end with EOR 0x80008000.
 *
 * One to three rows that are added to nothing: word by word, a pointer a row. O sums the odd lanes
 * ((w >> 8) & 0x00FF00FF) and A all of it modulo 2^32: the even lanes are A - (O << 8). */
#include "accumulate_v6m.h"

#define ROWS 0                /* the frame */
#define FIRST_ALL 4           /* even + (odd rotated left by 8), lanes of both 32768 - n bias */
#define FIRST 8               /* lanes 32768 - n bias */
#define ENTRY 12
#define ACC 16
#define COLUMNS 20
#define ACC_LAST 24             /* where less than 16 columns are left */
#define ADDS 64
#define ADDS_OF_FEW 20

    /* A r6, O r7: the first row of a word; another one; what is to be stored */
    .macro FIRST_ROW row
    ldmia \row!, {r6}
    lsrs r7, r6, #8
    ands r7, r4
    .endm

    .macro NEXT_ROW row
    ldmia \row!, {r5}
    adds r6, r6, r5
    lsrs r5, r5, #8
    ands r5, r4
    adds r7, r7, r5
    .endm

    .macro STORE_WORD
    lsls r5, r7, #8
    subs r6, r6, r5
    add r6, r12
    add r7, r12
    ldr r5, .Lsigns
    eors r6, r5
    eors r7, r5
    stmia r3!, {r6, r7}
    .endm

    /* sum += acc word - 0x80008000 in lanes of value + 32768 */
    .macro ADD_KEPT sum, at
    ldr r0, [r4, #\at]
    eors r0, r6
    subs r0, r0, r6
    add \sum, r0
    .endm

/* void dassdp_k_accumulate_s8(projection, acc, rows, n_rows, adds, image)
 * With few rows r0-r2 rows, lr the end of the first, r3 acc, r4 mask, r5 word, r12 lanes of
 * 32768 - n bias. */
@ stack: 64
    function dassdp_k_accumulate_s8
    push {r4-r7, lr}
    cmp r3, #3
    bhi .Lmany
    ldr r4, [sp, #ADDS_OF_FEW]
    cmp r4, #0
    bne .Lmany
    ldrb r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    movs r5, r3
    lsls r5, r4
    lsrs r5, r5, #1
    lsls r6, r5, #16
    orrs r5, r6
    ldr r6, .Lsigns
    subs r6, r6, r5
    mov r12, r6
    ldr r7, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    ldr r4, .Leven_lanes
    cmp r3, #2
    mov r3, r1
    ldmia r2, {r0-r2}
    add r7, r0
    mov lr, r7
    blo .Lone_row
    beq .Ltwo_rows
.Lthree_rows:
    .rept 2
    FIRST_ROW r0
    NEXT_ROW r1
    NEXT_ROW r2
    STORE_WORD
    .endr
    cmp r0, lr
    bne .Lthree_rows
    pop {r4-r7, pc}
.Ltwo_rows:
    FIRST_ROW r0
    NEXT_ROW r1
    STORE_WORD
    cmp r0, lr
    bne .Ltwo_rows
    pop {r4-r7, pc}
.Lone_row:
    FIRST_ROW r0
    STORE_WORD
    cmp r0, lr
    bne .Lone_row
    pop {r4-r7, pc}

.Lmany:
    save_high_registers
    ldrb r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    ldr r6, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    mov r5, r1                  /* ACC */
    lsls r7, r3, #2
    adds r7, r7, r2             /* END */
    mov lr, r7
    mov r12, r2
    movs r0, r3
    lsls r0, r4
    lsrs r0, r0, #1
    movs r4, #1
    lsls r4, r4, #15
    subs r0, r4, r0
    lsls r2, r0, #16
    orrs r2, r0                 /* FIRST */
    movs r4, #24
    movs r1, r2
    rors r1, r4
    movs r4, #0
    adds r1, r1, r2
    adcs r1, r4                 /* FIRST_ALL */
    rsbs r3, r3, #0
    movs r0, #3
    ands r3, r0
    movs r0, #ROW_CODE
    muls r3, r0, r3
    adr r0, .Lrows_16
    adds r3, r3, r0             /* ENTRY */
    mov r0, r12                 /* ROWS */
    movs r4, r5
    movs r5, r6
    lsrs r6, r6, #4
    lsls r6, r6, #5
    adds r6, r6, r4
    push {r0-r6}
    movs r0, #0
    mov r12, r0
    movs r0, r4
    b .Lnext_tile

    .balign 4
.Lrows_16:
    ROW
    ROW
    ROW
    ROW
    mov r0, lr
    eors r0, r4
    bne .Lrows_16
    SEPARATE 8
.Lstore:
    ldr r6, .Lsigns
    ldr r4, [sp, #ACC]
    ldr r0, [sp, #ADDS]
    cmp r0, #0
    bne .Ladd_kept
.Lstore_8:
    mov r0, r8
    eors r0, r6
    eors r1, r6
    mov r2, r9
    eors r2, r6
    eors r3, r6
    stmia r4!, {r0-r3}
    cmp lr, r12                 /* after a tile of 8 columns */
    beq .Ldone
    mov r0, r4
    mov r4, r10
    eors r4, r6
    eors r5, r6
    mov r1, r11
    eors r1, r6
    eors r7, r6
    movs r6, r1
    stmia r0!, {r4-r7}
    str r0, [sp, #ACC]
    movs r1, #16
    add r12, r1
.Lnext_tile:
    ldr r1, [sp, #ACC_LAST]
    cmp r0, r1
    beq .Llast_tile             /* or C is 0 */
    mov r0, sp
    ldmia r0!, {r4-r7}          /* ROWS, FIRST_ALL, FIRST, ENTRY */
    mov r8, r6
    mov r9, r6
    mov r10, r6
    mov r11, r6
    mov r0, r7
    movs r1, r5
    movs r3, r5
    movs r7, r5
    ldr r6, .Leven_lanes
    mov pc, r0

.Llast_tile:
    ldr r0, [sp, #COLUMNS]
    lsrs r0, r0, #4
    bcs .Ltile_8
    b .Ldone

.Ladd_kept:
    ADD_KEPT r8, 0
    ADD_KEPT r1, 4
    ADD_KEPT r9, 8
    ADD_KEPT r3, 12
    cmp lr, r12
    beq .Lstore_8
    ADD_KEPT r10, 16
    ADD_KEPT r5, 20
    ADD_KEPT r11, 24
    ADD_KEPT r7, 28
    b .Lstore_8

.Ldone:
    add sp, #28
    restore_registers

.Ltile_8:
    mov r0, sp
    ldmia r0!, {r4-r6}
    mov r8, r6
    mov r9, r6
    movs r1, r5
    movs r3, r5
    ldr r6, .Leven_lanes
1:  ldmia r4!, {r2}
    add r2, r12
    ldmia r2, {r0, r2}
    adcs r1, r0
    ands r0, r6
    add r8, r0
    adcs r3, r2
    ands r2, r6
    add r9, r2
    mov r0, lr
    eors r0, r4
    bne 1b
    TAKE_KEPT r1, r8
    TAKE_KEPT r3, r9
    sbcs r1, r0                 /* the same, 1 */
    movs r5, r1
    mov lr, r12
    ROTATE r1, r3, 8
    ROTATE r3, r5, 8
    b .Lstore

    .balign 4
.Leven_lanes:
    .word 0x00FF00FF
.Lsigns:
    .word 0x80008000
    end_function dassdp_k_accumulate_s8
