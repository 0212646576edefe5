/* dassdp_k_analogue_a32: tiles of 8 columns in registers, two inputs a round. Of the four bytes b0 to b3 of
 * a word w, sums T_k of x times (w >> 8 k) are kept, modulo 2^32, without a mask: the sum of x times b3 is
 * T_3, and that of b_k is T_k - 2^8 T_(k + 1). */
#include "asm.h"

#define START 0 /* the frame: what a sum starts at, less the bias */
#define ADDS 4
#define ACC 8
#define COLUMN 12
#define END 16 /* of columns */
#define X 20
#define X_END 24
#define FRAME 28

        .macro  word t0, t1, t2, t3, offset
        ldr     r2, [r0, #\offset]
        lsrs    r3, r2, #8
        mla     \t1, r3, r12, \t1
        lsrs    r3, r2, #16
        mla     \t2, r3, r12, \t2
        lsrs    r3, r2, #24
        mla     \t3, r3, r12, \t3
        mla     \t0, r2, r12, \t0
        .endm

        .macro  input
        ldrsb   r12, [r1], #1
        word    r4, r6, r5, r7, 0
        word    r8, r10, r9, r11, 4
        add     r0, lr
        .endm

        .macro  separate t0, t1, t2, t3
        sub     \t0, \t0, \t1, lsl #8
        sub     \t1, \t1, \t2, lsl #8
        sub     \t2, \t2, \t3, lsl #8
        .endm

@ stack: 64
        function dassdp_k_analogue_a32
        push    {r4-r11, lr}
        sub     sp, #FRAME
        ldr     lr, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldrh    r5, [r0, #DASSDP_PROJECTION_N_PRE]
        ldrb    r6, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r0, [r0, #DASSDP_PROJECTION_FACTORY]
        add     r4, r0, lr
        add     r5, r2
        subs    r6, #1
        movs    r7, #0
        mov     r8, r2
1:      ldrsb   r9, [r8], #1
        subs    r7, r7, r9
        cmp     r8, r5
        bne     1b
        lsls    r7, r6
        strd    r7, r3, [sp]            @ and adds
        strd    r1, r0, [sp, #ACC]      @ and column
        strd    r4, r2, [sp, #END]      @ and x
        str     r5, [sp, #X_END]
2:      .irp    sum, r4, r5, r6, r7, r8, r9, r10, r11
        mov     \sum, #0
        .endr
        ldrd    r1, r2, [sp, #X]        @ and its end
        subs    r2, r2, r1
        lsls    r2, r2, #31             @ an odd number of inputs
        bne     4f
3:      input
4:      input
        ldr     r2, [sp, #X_END]
        cmp     r1, r2
        bne     3b
        separate r4, r6, r5, r7
        separate r8, r10, r9, r11
        ldm     sp, {r0-r3}             @ start, adds, acc, column
        .irp    sum, r4, r5, r6, r7, r8, r9, r10, r11
        add     \sum, r0
        .endr
        cbz     r1, 6f
        mov     r1, r2
        .irp    sum, r4, r5, r6, r7, r8, r9, r10, r11
        ldr     r0, [r1], #4
        add     \sum, r0
        .endr
6:      stm     r2!, {r4-r11}
        add     r0, r3, #8
        strd    r2, r0, [sp, #ACC]
        ldr     r1, [sp, #END]
        cmp     r0, r1
        bne     2b
        add     sp, #FRAME
        pop     {r4-r11, pc}
        end_function dassdp_k_analogue_a32
