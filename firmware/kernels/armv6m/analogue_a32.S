/* dassdp_k_analogue_a32 for ARMv6-M: tiles of 8 columns in registers, two inputs a round. Of the four bytes
 * b0 to b3 of a word w, three sums are kept modulo 2^32, without a mask; U_k are the sums of x times b_k:
 *   T = sum of x w                 U_0 + 2^8 U_1 + 2^16 Q
 *   Q = sum of x (w >> 16)         U_2 + 2^8 U_3
 *   R = sum of x rev16(w)          U_1 + 2^8 U_0 + 2^16 (U_3 + 2^8 U_2)
 * With P = T - 2^16 Q = U_0 + 2^8 U_1, the difference D = R - 2^8 P - 2^24 Q is U_1 + 2^16 (U_3 - U_1). All
 * start less the bias. Up to 255 inputs' sums of weights without it are within 2^22: U_0 then is what lies
 * below bit 24 of P - 2^8 D, with its sign, and U_1 the rest of P; U_2 and U_3 of Q the same. More inputs go
 * in rounds of 255, each added to the ones before. */
#include "registers_v6m.h"

#define START 0               /* the frame: of Q, of T and R; - inputs of the round */
#define MINUS_N 8
#define COLUMN 12
#define ROUND_ACC 16
#define ACC_END 20
#define ACC 24
#define ADDS 28
#define N_PRE 32              /* behind the round */
#define SHIFT 36
#define FRAME 40

    /* w is lost */
    .macro WORD w, t, q, r
    lsrs r2, \w, #16
    muls r2, r0, r2
    add \q, r2
    rev16 r2, \w
    muls r2, r0, r2
    add \r, r2
    muls \w, r0, \w
    add \t, \w
    .endm

    /* Z: it was the last input */
    .macro INPUT
    ldrsb r0, [r7, r5]
    ldmia r4!, {r1, r6}
    WORD r1, r3, r8, r9
    WORD r6, r10, r11, r12
    add r4, lr
    adds r5, r5, #1
    .endm

    /* What lies below bit 24, with its sign */
    .macro BELOW_24 of
    lsls \of, \of, #8
    asrs \of, \of, #8
    .endm

    .macro KEEP sum, at
    ldr r3, [r4, #\at]
    adds \sum, \sum, r3
    .endm

    /* Four sums to r4, in natural order: bytes 0, 2, 1, 3; r2 and r3 are lost */
    .macro STORE t, q, r
    mov r2, \t
    mov r6, \q
    mov r1, \r
    lsls r0, r6, #16
    subs r2, r2, r0             /* P */
    lsls r0, r2, #8
    subs r1, r1, r0
    lsls r0, r6, #24
    subs r1, r1, r0             /* D */
    lsls r0, r1, #8
    subs r0, r2, r0
    BELOW_24 r0
    subs r2, r2, r0
    asrs r5, r2, #8
    subs r1, r1, r5
    lsrs r1, r1, #8
    adds r1, r1, r2             /* 2^8 U_3 up to bit 24 */
    subs r1, r6, r1
    BELOW_24 r1
    subs r6, r6, r1
    asrs r6, r6, #8
    ldr r3, [sp, #ADDS]
    cmp r3, #0
    beq 1f
    KEEP r0, 0
    KEEP r1, 4
    KEEP r5, 8
    KEEP r6, 12
1:  stmia r4!, {r0, r1, r5, r6}
    .endm

/* void dassdp_k_analogue_a32(projection, acc, x, adds)
 * r0 x, r1 word, r2 product, r4 row, r5 input - inputs, r6 word, r7 end of x, lr row_bytes - 8, the others T, Q
 * and R. */
@ stack: 76
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
    lsls r3, r1, #8
    adds r1, r1, r3             /* Q */
    lsls r3, r1, #16
    adds r2, r3, r1             /* T and R */
    mov r3, sp
    stmia r3!, {r1, r2}
    ldr r0, [sp, #ACC]
    str r0, [sp, #ROUND_ACC]
.Lnext_tile:
    mov r0, sp
    ldmia r0!, {r1, r3, r5}
    mov r8, r1
    mov r9, r3
    mov r10, r3
    mov r11, r1
    mov r12, r3
    lsls r0, r5, #31            /* an odd number of inputs */
    bne .Lsecond
.Lnext_two:
    INPUT
.Lsecond:
    INPUT
    bne .Lnext_two
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

.Lround_done:
    ldr r5, [sp, #N_PRE]
    cmp r5, #0
    beq .Ldone
    mov r0, lr
    subs r4, r4, r0             /* the first column */
    adds r0, r0, #8
    ldr r1, [sp, #MINUS_N]
    muls r0, r1, r0
    subs r4, r4, r0
    str r5, [sp, #ADDS]         /* not 0 */
    b .Lnext_round
.Ldone:
    add sp, #FRAME
    restore_registers
    end_function dassdp_k_analogue_a32
