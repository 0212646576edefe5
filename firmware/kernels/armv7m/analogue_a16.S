/* dassdp_k_analogue_a16: tiles of 16 columns in registers, two inputs a round; a last tile of 8.
 * Of four columns u0 u2 u1 u3 of a word w a tile keeps, modulo 2^32,
 *   A = sum of x w    B = sum of x ((w >> 8) & 0x00FF00FF)    columns 2, 3
 * and A - (B << 8) holds columns 0, 1. Both start less the bias and plus 2^15, which keeps the lower
 * lane from borrowing. */
#include "asm.h"

#define X 0 /* the frame */
#define START 4 /* of A; of B */
#define ADDS 12
#define ACC 16
#define COLUMN 20
#define LAST 24 /* where the last tile of 16 columns may begin */
#define ENTRY 28
#define ROW_BYTES 32
#define X_END 36
#define FRAME 40

        .macro  add_word a, b, w
        mla     \a, \w, r12, \a
        and     \w, lr, \w, lsr #8
        mla     \b, \w, r12, \b
        .endm

        .macro  add_x_16
        ldrsb   r12, [r1], #1
        ldr     r2, [r0]
        ldr     r3, [r0, #4]
        add_word r4, r5, r2
        add_word r6, r7, r3
        ldrd    r2, r3, [r0, #8]
        add_word r8, r9, r2
        add_word r10, r11, r3
        .endm

/* Adds int16 lanes in memory: less 2^16 where the lower one is negative. */
        .macro  add_lanes lanes, offset
        ldr     r3, [r1, #\offset]
        add     \lanes, r3
        and     r3, r3, #0x8000
        sub     \lanes, \lanes, r3, lsl #1
        .endm

        .macro  finish last, lanes:vararg
        ldrd    r0, r1, [sp, #ADDS]     @ acc
        cbz     r0, 9f
        .set    offset, 0
        .irp    lane, \lanes
        add_lanes \lane, offset
        .set    offset, offset + 4
        .endr
9:      .irp    lane, \lanes
        eor     \lane, \lane, #0x8000
        .endr
        stm     r1!, {r4-\last}
        .endm

@ stack: 76
        function dassdp_k_analogue_a16
        push    {r4-r11, lr}
        ldrh    r5, [r0, #DASSDP_PROJECTION_N_PRE]
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r6, [r0, #DASSDP_PROJECTION_FACTORY]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        add     r7, r2, r5
        movs    r8, #0
        mov     r9, r2
        adr     r10, 4f + 1             @ Thumb
        tst     r5, #1
        bne     2f
        adr     r10, 3f + 1
1:      ldrsb   r11, [r9], #1
        add     r8, r11
2:      ldrsb   r11, [r9], #1
        add     r8, r11
        cmp     r9, r7
        bne     1b
        subs    r4, #1
        lsls    r8, r8, r4
        add     r8, r8, r8, lsl #16
        rsb     r5, r8, #0x8000
        add     r4, r5, r5, lsl #8
        add     r9, r6, r0
        subs    r9, #16
        mov     r8, r6
        mov     r6, r3
        push    {r0, r7}                @ from ROW_BYTES
        mov     r7, r1
        push    {r2, r4-r10}
        mov     lr, #0x00FF00FF
        mov     r0, r8
        cmp     r0, r9
        bhi     6f
5:      ldm     sp, {r1, r4, r5}
        mov     r6, r4
        mov     r7, r5
        mov     r8, r4
        mov     r9, r5
        mov     r10, r4
        mov     r11, r5
        ldr     pc, [sp, #ENTRY]
        .balign 4
3:      add_x_16
        ldr     r2, [sp, #ROW_BYTES]
        add     r0, r2
        .balign 4
4:      add_x_16
        ldrd    r2, r3, [sp, #ROW_BYTES] @ x_end
        add     r0, r2
        cmp     r1, r3
        bne     3b
        sub     r4, r4, r5, lsl #8
        sub     r6, r6, r7, lsl #8
        sub     r8, r8, r9, lsl #8
        sub     r10, r10, r11, lsl #8
        finish  r11, r4, r5, r6, r7, r8, r9, r10, r11
        ldrd    r0, r2, [sp, #COLUMN]   @ last
        adds    r0, #16
        strd    r1, r0, [sp, #ACC]
        cmp     r0, r2
        bls     5b
        subs    r2, r0, r2
        cmp     r2, #16
        beq     8f
6:      ldrd    r8, r9, [sp, #ROW_BYTES] @ x_end
        ldm     sp, {r1, r4, r5}
        mov     r6, r4
        mov     r7, r5
7:      ldrsb   r12, [r1], #1
        ldr     r2, [r0]
        ldr     r3, [r0, #4]
        add     r0, r8
        add_word r4, r5, r2
        add_word r6, r7, r3
        cmp     r1, r9
        bne     7b
        sub     r4, r4, r5, lsl #8
        sub     r6, r6, r7, lsl #8
        finish  r7, r4, r5, r6, r7
8:      add     sp, #FRAME
        pop     {r4-r11, pc}
        end_function dassdp_k_analogue_a16
