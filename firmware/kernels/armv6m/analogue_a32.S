/* dassdp_k_analogue_a32 for ARMv6-M: tiles of 8 columns in registers, two inputs a round. Of the four bytes
 * b0 to b3 of a word w, sums T_k of x times (w >> 8 k) are kept, modulo 2^32, without a mask: the sum of x
 * times b3 is T_3, and that of b_k is T_k - 2^8 T_(k + 1). */
#include "registers_v6m.h"

#define START 0               /* the frame: what a sum starts at, less the bias */
#define ADDS 4
#define ACC 8
#define ACC_END 12
#define COLUMN 16
#define STEP 20               /* from the end of a row's tile to the next row's */
#define X_END 24
#define MINUS_N 28
#define FRAME 32

    .macro WORD t0, t1, t2, t3
    ldmia r4!, {r1}
    lsrs r2, r1, #24
    muls r2, r0, r2
    add \t3, r2
    lsrs r2, r1, #16
    muls r2, r0, r2
    add \t2, r2
    lsrs r2, r1, #8
    muls r2, r0, r2
    add \t1, r2
    muls r1, r0, r1
    add \t0, r1
    .endm

    /* Z: it was the last input */
    .macro INPUT
    ldrsb r0, [r7, r5]
    WORD r3, r6, r8, r9
    WORD r10, r11, r12, lr
    ldr r1, [sp, #STEP]
    adds r4, r4, r1
    adds r5, r5, #1
    .endm

    /* Four sums to r4, in natural order: bytes 0, 2, 1, 3 */
    .macro STORE t0, t1, t2, t3
    mov r0, \t0
    mov r2, \t1
    lsls r1, r2, #8
    subs r0, r0, r1
    mov r1, \t2
    lsls r5, r1, #8
    subs r2, r2, r5
    mov r5, \t3
    lsls r7, r5, #8
    subs r1, r1, r7
    ldr r7, [sp, #ADDS]
    cmp r7, #0
    beq 1f
    ldr r7, [r4]
    adds r0, r0, r7
    ldr r7, [r4, #4]
    adds r1, r1, r7
    ldr r7, [r4, #8]
    adds r2, r2, r7
    ldr r7, [r4, #12]
    adds r5, r5, r7
1:  ldr r7, [sp, #START]
    adds r0, r0, r7
    adds r1, r1, r7
    adds r2, r2, r7
    adds r5, r5, r7
    stmia r4!, {r0, r1, r2, r5}
    .endm

/* void dassdp_k_analogue_a32(projection, acc, x, adds)
 * r0 x, r1 word, r2 product, r4 row, r5 input - n_pre, r7 end of x, the others T. */
@ stack: 68
    function dassdp_k_analogue_a32
    save_registers
    sub sp, #FRAME
    str r1, [sp, #ACC]
    str r3, [sp, #ADDS]
    ldr r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    lsls r5, r4, #2
    adds r5, r5, r1
    str r5, [sp, #ACC_END]
    subs r4, r4, #8
    str r4, [sp, #STEP]
    ldr r4, [r0, #DASSDP_PROJECTION_FACTORY]
    str r4, [sp, #COLUMN]
    ldrh r5, [r0, #DASSDP_PROJECTION_N_PRE]
    adds r7, r2, r5
    str r7, [sp, #X_END]
    rsbs r5, r5, #0
    str r5, [sp, #MINUS_N]
    ldrb r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    subs r4, r4, #1
    movs r1, #0
1:  ldrsb r0, [r7, r5]
    subs r1, r1, r0
    adds r5, r5, #1
    bne 1b
    lsls r1, r4
    str r1, [sp, #START]
.Lnext_tile:
    ldr r7, [sp, #X_END]
    ldr r5, [sp, #MINUS_N]
    ldr r4, [sp, #COLUMN]
    movs r3, #0
    movs r6, r3
    .irp sum, r8, r9, r10, r11, r12, lr
    mov \sum, r3
    .endr
    lsls r0, r5, #31            /* an odd number of inputs */
    bne .Lsecond
.Lnext_two:
    INPUT
.Lsecond:
    INPUT
    bne .Lnext_two
    ldr r4, [sp, #ACC]
    STORE r3, r6, r8, r9
    STORE r10, r11, r12, lr
    str r4, [sp, #ACC]
    ldr r0, [sp, #COLUMN]
    adds r0, r0, #8
    str r0, [sp, #COLUMN]
    ldr r0, [sp, #ACC_END]
    cmp r4, r0
    beq .Ldone
    b .Lnext_tile
.Ldone:
    add sp, #FRAME
    restore_registers
    end_function dassdp_k_analogue_a32
