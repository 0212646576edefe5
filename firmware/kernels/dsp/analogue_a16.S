/* dassdp_k_analogue_a16: tiles of 16 columns in registers, four inputs a round; a last tile of 8.
 * Of four columns u0 u2 u1 u3 of a word w a tile keeps, modulo 2^32,
 *   A = sum of x w    B = sum of x ((w >> 8) & 0x00FF00FF)    columns 2, 3
 * and A - (B << 8) holds columns 0, 1. Both start less the bias and plus 2^15, which keeps the
 * lower lane from borrowing. */
#include "analogue_dsp.h"

#define X 0 /* the frame */
#define START 4 /* of A; of B */
#define ADDS 12
#define ACC 16
#define COLUMN 20
#define LAST 24 /* where the last tile of 16 columns may begin */
#define ENTRY 28
#define ROUNDS 32 /* less 1, from bit 16; row_bytes */
#define INPUTS 36 /* the same */
#define FRAME 40

        .macro  add_word a, b, w
        mla     \a, \w, r12, \a
        uxtb16  \w, \w, ror #8
        mla     \b, \w, r12, \b
        .endm

        .macro  add_x_8 a, b, c, d, offset
        ldrd    r2, r3, [r0, #\offset]
        add_word \a, \b, r2
        add_word \c, \d, r3
        .endm

        .macro  finish last, lanes:vararg
        .irp    lane, \lanes
        eor     \lane, \lane, #0x8000
        .endr
        ldrd    r0, r1, [sp, #ADDS]     @ acc
        cbz     r0, 9f
        mov     r0, r1
        .irp    lane, \lanes
        ldr     r3, [r0], #4
        uadd16  \lane, \lane, r3
        .endr
9:      stm     r1!, {r4-\last}
        .endm

@ stack: 76
        function dassdp_k_analogue_a16
        push    {r4-r11, lr}
        ldrh    r5, [r0, #DASSDP_PROJECTION_N_PRE]
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r8, [r0, #DASSDP_PROJECTION_FACTORY]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        sum_inputs
        subs    r4, #1
        lsls    r7, r4
        add     r7, r7, r7, lsl #16
        subs    r6, r5, #1
        pkhbt   r12, r0, r6, lsl #16    @ INPUTS
        lsrs    r5, r6, #2
        pkhbt   r11, r0, r5, lsl #16    @ ROUNDS
        mvns    r6, r6                  @ skip -n_pre % 4 inputs of the first round
        and     r6, r6, #3
        adr     r10, 6f + 1             @ Thumb
        movs    r4, #(7f - 6f) / 4
        mla     r10, r6, r4, r10
        add     r9, r8, r0
        subs    r9, #16
        rsb     r5, r7, #0x8000
        add     r4, r5, r5, lsl #8
        mov     r6, r3
        mov     r7, r1
        push    {r2, r4-r12}
        mov     r0, r8
        cmp     r0, r9
        bhi     8f
5:      ldm     sp, {r1, r4, r5}
        ldr     lr, [sp, #ROUNDS]
        mov     r6, r4
        mov     r7, r5
        mov     r8, r4
        mov     r9, r5
        mov     r10, r4
        mov     r11, r5
        ldr     pc, [sp, #ENTRY]
        .balign 4
6:      .rept   4
        ldrsb   r12, [r1], #1
        add_x_8 r4, r5, r6, r7, 0
        add_x_8 r8, r9, r10, r11, 8
        uxtah   r0, r0, lr
        .endr
7:      subs    lr, lr, #0x10000
        bcs     6b
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
        beq     3f
8:      ldm     sp, {r1, r4, r5}
        ldr     lr, [sp, #INPUTS]
        mov     r6, r4
        mov     r7, r5
2:      ldrsb   r12, [r1], #1
        add_x_8 r4, r5, r6, r7, 0
        uxtah   r0, r0, lr
        subs    lr, lr, #0x10000
        bcs     2b
        sub     r4, r4, r5, lsl #8
        sub     r6, r6, r7, lsl #8
        finish  r7, r4, r5, r6, r7
3:      add     sp, #FRAME
        pop     {r4-r11, pc}
        end_function dassdp_k_analogue_a16
