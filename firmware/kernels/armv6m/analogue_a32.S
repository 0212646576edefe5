/* dassdp_k_analogue_a32 for ARMv6-M: tiles of 8 columns in registers, two inputs a round. Of the four bytes
 * b0 to b3 of a word w, three sums are kept modulo 2^32, whose U_k are the sums of x times b_k:
 *   T = sum of x w                             U_0 + 2^8 U_1 + 2^16 Q
 *   Q = sum of x (w >> 16)                     U_2 + 2^8 U_3
 *   V = sum of x ((w >> 8) & 0x00FF00FF)       U_1 + 2^16 U_3
 * All start less the bias. Up to 255 inputs' sums of weights without it are within 2^22: U_0 then is the
 * rest of T - 2^16 Q - 2^8 V from 2^24 on, with its sign, and U_1 what remains of T - 2^16 Q; U_2 and U_3 of Q
 * the same. More inputs go in rounds of 255, each added to the ones before. */
#include "registers_v6m.h"

#define START 0               /* the frame: of Q, V, T; - inputs of the round */
#define MINUS_N 12
#define COLUMN 16
#define ROUND_ACC 20
#define ACC_END 24
#define ACC 28
#define ADDS 32
#define X_END 36
#define ROW 40                /* the first of the next round */
#define N_PRE 44              /* left */
#define SHIFT 48
#define FRAME 52

    .macro WORD t, q, v
    ldmia r4!, {r1}
    lsrs r2, r1, #16
    muls r2, r0, r2
    add \q, r2
    lsrs r2, r1, #8
    ands r2, r6
    muls r2, r0, r2
    add \v, r2
    muls r1, r0, r1
    add \t, r1
    .endm

    /* Z: it was the last input */
    .macro INPUT
    ldrsb r0, [r7, r5]
    WORD r3, r8, r9
    WORD r10, r11, r12
    add r4, lr
    adds r5, r5, #1
    .endm

    /* The rest of a number from 2^24 on, with its sign */
    .macro REST of
    lsls \of, \of, #8
    asrs \of, \of, #8
    .endm

    .macro KEEP sum, at
    ldr r3, [r4, #\at]
    adds \sum, \sum, r3
    .endm

    /* Four sums to r4, in natural order: bytes 0, 2, 1, 3; r3 is lost */
    .macro STORE t, q, v
    mov r2, \t
    mov r5, \q
    mov r1, \v
    lsls r0, r5, #16
    subs r2, r2, r0
    lsls r0, r1, #8
    subs r0, r2, r0
    REST r0
    subs r2, r2, r0
    asrs r2, r2, #8
    subs r1, r1, r2
    lsrs r1, r1, #8
    subs r1, r5, r1
    REST r1
    subs r5, r5, r1
    asrs r5, r5, #8
    ldr r3, [sp, #ADDS]
    cmp r3, #0
    beq 1f
    KEEP r0, 0
    KEEP r1, 4
    KEEP r2, 8
    KEEP r5, 12
1:  stmia r4!, {r0, r1, r2, r5}
    .endm

/* void dassdp_k_analogue_a32(projection, acc, x, adds)
 * r0 x, r1 word, r2 product, r4 row, r5 input - inputs, r6 mask, r7 end of x, lr row_bytes - 8, the others T, Q
 * and V. */
@ stack: 88
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
    mov lr, r4
    ldrb r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    subs r4, r4, #1
    str r4, [sp, #SHIFT]
    ldrh r5, [r0, #DASSDP_PROJECTION_N_PRE]
    ldr r4, [r0, #DASSDP_PROJECTION_FACTORY]
    movs r7, r2
    ldr r6, .Lmask
.Lnext_round:
    str r4, [sp, #COLUMN]
    movs r0, #255
    subs r0, r5, r0
    bhi 1f
    movs r0, #0
1:  str r0, [sp, #N_PRE]
    subs r5, r5, r0
    adds r7, r7, r5
    rsbs r5, r5, #0
    str r5, [sp, #MINUS_N]
    movs r1, #0
2:  ldrsb r0, [r7, r5]
    subs r1, r1, r0
    adds r5, r5, #1
    bne 2b
    ldr r3, [sp, #SHIFT]
    lsls r1, r3
    lsls r2, r1, #16
    adds r2, r2, r1             /* V */
    lsls r3, r1, #8
    adds r1, r1, r3             /* Q */
    lsls r3, r1, #16
    adds r3, r3, r1             /* T */
    mov r0, sp
    stmia r0!, {r1-r3}
    ldr r0, [sp, #ACC]
    str r0, [sp, #ROUND_ACC]
.Lnext_tile:
    mov r0, sp
    ldmia r0!, {r1-r3, r5}
    mov r8, r1
    mov r9, r2
    mov r10, r3
    mov r11, r1
    mov r12, r2
    lsls r0, r5, #31            /* an odd number of inputs */
    bne .Lsecond
.Lnext_two:
    INPUT
.Lsecond:
    INPUT
    bne .Lnext_two
    str r4, [sp, #ROW]
    ldr r4, [sp, #ROUND_ACC]
    STORE r3, r8, r9
    STORE r10, r11, r12
    str r4, [sp, #ROUND_ACC]
    ldr r0, [sp, #ACC_END]
    cmp r4, r0
    ldr r4, [sp, #COLUMN]
    beq .Lround_done
    adds r4, r4, #8
    str r4, [sp, #COLUMN]
    b .Lnext_tile
