/* dassdp_k_accumulate_s6 for ARMv6-M: tiles of 16 columns; four rows of weights of at most 6 bits add
 * up in bytes (4 * 63 <= 252) before they are widened.
 *
 * Of each of the tile's four words, O sums the odd lanes and A sums all of it modulo 2^32: the even
 * lanes are A - (O << 8). Lanes start at 32768 - n bias (with `adds` at the sum so far + 32768 - n
 * bias) and end with EOR 0x80008000. Five of the eight sums have a register, three live on the stack
 * and are fetched once for four rows. */
#include "registers_v6m.h"

#define FIRST_O 0               /* the frame, between tiles */
#define FIRST_A 4
#define O3_FIRST 8              /* FIRST_O again */
#define START 12
#define ROWS 16
#define ENTRY 20                /* START, but with `adds` START fetches the sums first */
#define END 24
#define ACC 28
#define ACC_LAST 32             /* where less than 16 columns are left */
#define COLUMNS 36
#define ADDS 80
#define O2 0                    /* within a tile: these three come before all that */
#define A3 4
#define O3 8
#define TILE 12

    .macro ADD_ROW
    add r6, r12
    ldmia r6!, {r4, r5}
    adds r0, r0, r4
    adds r1, r1, r5
    ldmia r6!, {r4, r5}
    adds r2, r2, r4
    adds r3, r3, r5
    .endm

    .macro WIDEN bytes, all, odd
    add \all, \bytes
    lsrs \bytes, \bytes, #8
    ands \bytes, r6
    add \odd, \bytes
    .endm

    .macro SPLIT all, odd
    lsls r4, \odd, #8
    subs \all, \all, r4
    eors \all, r6
    eors \odd, r6
    .endm

    /* odd, all: the first sums of a word of columns from acc */
    .macro KEEP odd, all, at
    ldr \odd, [r4, #\at + 4]
    ldr \all, [r4, #\at]
    eors \odd, r6
    eors \all, r6
    subs \odd, \odd, r5
    subs \all, \all, r5
    lsls r0, \odd, #8
    adds \all, \all, r0
    .endm

/* void dassdp_k_accumulate_s6(projection, acc, rows, n_rows, adds, image)
 * r0-r3 bytes, r4 r5 words, r6 row or mask, r7 list, r8 A0, r9 O0, r10 A1, r11 O1, lr A2,
 * r12 columns done. */
@ stack: 92
    function dassdp_k_accumulate_s6
    save_registers
    sub sp, #44
    str r2, [sp, #ROWS]
    str r1, [sp, #ACC]
    ldrb r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    ldr r5, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    str r5, [sp, #COLUMNS]
    lsrs r5, r5, #4
    lsls r5, r5, #5
    adds r5, r5, r1
    str r5, [sp, #ACC_LAST]
    lsls r5, r3, #2
    adds r5, r5, r2
    str r5, [sp, #END]
    movs r5, r3
    lsls r5, r4
    lsrs r5, r5, #1
    lsls r6, r5, #16
    orrs r5, r6                 /* n bias in lanes */
    ldr r6, .Lsigns
    subs r5, r6, r5
    str r5, [sp, #FIRST_O]
    str r5, [sp, #O3_FIRST]
    lsls r6, r5, #8
    adds r6, r6, r5
    str r6, [sp, #FIRST_A]
    lsls r3, r3, #30            /* n % 4 rows come first */
    lsrs r3, r3, #29
    adr r4, .Lentries
    ldrh r4, [r4, r3]
    adr r5, .Lrows_16
    adds r4, r4, r5
    str r4, [sp, #ENTRY]
    ldr r5, [sp, #ADDS]
    cmp r5, #0
    beq 1f
    adr r4, .Lkeep_16
1:  str r4, [sp, #START]
    movs r0, #0
    mov r12, r0
    movs r5, r1
    b .Lnext_tile

    .balign 4
.Lrows_16:
    ldmia r7!, {r5, r6}
    add r5, r12
    ldmia r5!, {r0-r3}
.Lsecond_row:
    ADD_ROW
.Lthird_row:
    ldmia r7!, {r6}
    ADD_ROW
.Lfourth_row:
    ldmia r7!, {r6}
    ADD_ROW
    ldr r6, .Lodd_lanes
    WIDEN r0, r8, r9
    WIDEN r1, r10, r11
    pop {r0, r1, r4}
    add lr, r2
    lsrs r2, r2, #8
    ands r2, r6
    adds r0, r0, r2
    adds r1, r1, r3
    lsrs r3, r3, #8
    ands r3, r6
    adds r4, r4, r3
    push {r0, r1, r4}
    ldr r4, [sp, #END + TILE]
    cmp r7, r4
    bne .Lrows_16
    ldr r5, [sp, #ACC + TILE]
    ldr r6, .Lsigns
    mov r0, r8
    mov r1, r9
    mov r2, r10
    mov r3, r11
    SPLIT r0, r1
    SPLIT r2, r3
    stmia r5!, {r0-r3}
    mov r0, lr
    pop {r1-r3}
    SPLIT r0, r1
    SPLIT r2, r3
    stmia r5!, {r0-r3}
    str r5, [sp, #ACC]
    movs r0, #16
    add r12, r0
.Lnext_tile:
    ldr r0, [sp, #ACC_LAST]
    cmp r5, r0
    beq .Llast_tile
    mov r4, sp
    ldmia r4!, {r0-r2, r5, r7}  /* FIRST_O, FIRST_A, FIRST_O, START, ROWS */
    push {r0-r2}
    mov r8, r1
    mov r9, r0
    mov r10, r1
    mov r11, r0
    mov lr, r1
    movs r0, #0
    movs r1, #0
    movs r2, #0
    movs r3, #0
    mov pc, r5

.Llast_tile:
    ldr r0, [sp, #COLUMNS]
    lsrs r0, r0, #4
    bcs .Ltile_8
    add sp, #44
    restore_registers

.Lone_of_three:
    ldmia r7!, {r6}
    b .Lsecond_row

    .balign 4
.Lkeep_16:
    ldr r4, [sp, #ACC + TILE]
    ldr r5, [sp, #FIRST_O + TILE]
    bl .Lkeep_8
    KEEP r1, r2, 16
    mov lr, r2
    str r1, [sp, #O2]
    KEEP r1, r2, 24
    str r2, [sp, #A3]
    str r1, [sp, #O3]
    movs r0, #0
    movs r1, #0
    movs r2, #0
    ldr r4, [sp, #ENTRY + TILE]
    mov pc, r4

.Lkeep_8:                       /* leaves r4, r5, r6 for the second half of a tile */
    ldr r6, .Lsigns
    subs r5, r6, r5
    KEEP r1, r2, 0
    mov r8, r2
    mov r9, r1
    KEEP r1, r2, 8
    mov r10, r2
    mov r11, r1
    bx lr

    /* the last 8 columns: no sums in bytes, for the second pair of words would leave the row */
.Ltile_8:
    ldr r0, [sp, #FIRST_A]
    ldr r1, [sp, #FIRST_O]
    mov r8, r0
    mov r9, r1
    mov r10, r0
    mov r11, r1
    ldr r4, [sp, #ADDS]
    cmp r4, #0
    beq 1f
    ldr r4, [sp, #ACC]
    ldr r5, [sp, #FIRST_O]
    bl .Lkeep_8
1:  ldr r7, [sp, #ROWS]
    ldr r3, [sp, #END]
    ldr r6, .Lodd_lanes
2:  ldmia r7!, {r4}
    add r4, r12
    ldmia r4!, {r0, r1}
    WIDEN r0, r8, r9
    WIDEN r1, r10, r11
    cmp r7, r3
    bne 2b
    ldr r5, [sp, #ACC]
    ldr r6, .Lsigns
    mov r0, r8
    mov r1, r9
    mov r2, r10
    mov r3, r11
    SPLIT r0, r1
    SPLIT r2, r3
    stmia r5!, {r0-r3}
    add sp, #44
    restore_registers
    .balign 4
.Lodd_lanes:
    .word 0x00FF00FF
.Lsigns:
    .word 0x80008000
.Lentries:
    .hword 0, .Lfourth_row - .Lrows_16, .Lthird_row - .Lrows_16, .Lone_of_three - .Lrows_16
    end_function dassdp_k_accumulate_s6
