/* dassdp_k_analogue_a16 for ARMv6-M: tiles of 8 columns. Of each of its two words w, A sums x w and R
 * sums x rev16(w), modulo 2^32 and without a mask: with D = R - (A << 8) the odd lanes are B = D + (D << 16),
 * the even ones A - (B << 8). Lanes start at 0x8000 - bias and end with EOR 0x80008000, so that they are
 * 0 to 65535 at the end. */
#include "registers_v6m.h"

#define FIRST 0               /* the frame: of A and R */
#define ENTRY 4
#define COLUMN 8
#define MINUS_N 12
#define ACC 16
#define ACC_END 20
#define FRAME 24

    .macro WEIGH word, all, reversed
    rev16 r3, \word
    muls r3, r0, r3
    add \reversed, r3
    muls \word, r0, \word
    add \all, \word
    .endm

    /* A, R: lanes of even columns, of odd ones; r4 is lost */
    .macro SPLIT even, odd
    lsls r4, \even, #8
    subs \odd, \odd, r4
    lsls r4, \odd, #16
    adds \odd, \odd, r4
    lsls r4, \odd, #8
    subs \even, \even, r4
    .endm

    .macro ROW
    ldrsb r0, [r7, r5]
    ldmia r4!, {r1, r2}
    add r4, r12
    WEIGH r1, r8, r9
    WEIGH r2, r10, r11
    adds r5, r5, #1
    .endm
#define ROW_CODE 28

    .macro ADD_X
    ldrsb r0, [r7, r5]
    adds r2, r2, r0
    adds r5, r5, #1
    .endm

    .macro KEEP sum, at
    ldr r4, [r5, #\at]
    eors r4, r6
    subs r4, r4, r6
    adds \sum, \sum, r4
    .endm

/* void dassdp_k_analogue_a16(projection, acc, x, adds)
 * r0 x, r1 r2 words, r3 product, r4 column, r5 row - n_pre, r6 signs, r7 end of x, r8 A0, r9 R0, r10 A1,
 * r11 R1, r12 row_bytes - 8, lr adds. */
@ stack: 60
    function dassdp_k_analogue_a16
    save_registers
    sub sp, #FRAME
    mov lr, r3
    str r1, [sp, #ACC]
    ldr r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    lsls r5, r4, #1
    adds r5, r5, r1
    str r5, [sp, #ACC_END]
    subs r4, r4, #8
    mov r12, r4
    ldr r4, [r0, #DASSDP_PROJECTION_FACTORY]
    str r4, [sp, #COLUMN]
    ldrb r1, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    ldrh r3, [r0, #DASSDP_PROJECTION_N_PRE]
    adds r7, r2, r3
    rsbs r5, r3, #0
    str r5, [sp, #MINUS_N]
    movs r3, #3
    ands r3, r5
    movs r4, #ROW_CODE
    muls r4, r3, r4
    adr r0, .Lfour_rows
    adds r4, r4, r0
    str r4, [sp, #ENTRY]
    lsls r4, r3, #1
    adds r4, r4, r3
    lsls r4, r4, #1
    adr r0, .Lfour_x
    adds r4, r4, r0
    movs r2, #0
    mov pc, r4
    .balign 4
.Lfour_x:
    ADD_X
    ADD_X
    ADD_X
    ADD_X
    bne .Lfour_x
    lsls r2, r1
    asrs r2, r2, #1             /* bias */
    lsls r0, r2, #16
    adds r2, r2, r0
    ldr r6, .Lsigns
    subs r2, r6, r2
    lsls r1, r2, #8
    adds r1, r1, r2
    str r1, [sp, #FIRST]

.Lnext_tile:
    mov r0, sp
    ldmia r0!, {r2-r5}
    mov r8, r2
    mov r9, r2
    mov r10, r2
    mov r11, r2
    mov pc, r3
    .balign 4
.Lfour_rows:
    ROW
    ROW
    ROW
    ROW
    bne .Lfour_rows
    mov r0, r8
    mov r1, r9
    mov r2, r10
    mov r3, r11
    SPLIT r0, r1
    SPLIT r2, r3
    cmp lr, r5                  /* r5 is 0 */
    ldr r5, [sp, #ACC]
    bne .Lkeep
.Lstore:
    eors r0, r6
    eors r1, r6
    eors r2, r6
    eors r3, r6
    stmia r5!, {r0-r3}
    str r5, [sp, #ACC]
    ldr r4, [sp, #COLUMN]
    adds r4, r4, #8
    str r4, [sp, #COLUMN]
    ldr r4, [sp, #ACC_END]
    cmp r5, r4
    bne .Lnext_tile
    add sp, #FRAME
    restore_registers

.Lkeep:
    KEEP r0, 0
    KEEP r1, 4
    KEEP r2, 8
    KEEP r3, 12
    b .Lstore
    .balign 4
.Lsigns:
    .word 0x80008000
    end_function dassdp_k_analogue_a16
