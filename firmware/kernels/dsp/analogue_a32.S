/* dassdp_k_analogue_a32: tiles of 8 columns in registers, two inputs a round. Sums start less the
 * bias; the biased weights may make them wrap on the way, which is exact modulo 2^32. */
#include "analogue_dsp.h"

#define X 0 /* the frame */
#define ADDS 4
#define START 8
#define ACC 12
#define COLUMN 16
#define ENTRY 20
#define ROUNDS 24 /* less 1, from bit 16; row_bytes */
#define END 28 /* of columns */
#define FRAME 32

        .macro  add_word a, b, c, d, offset
        ldr     r2, [r0, #\offset]
        uxtb16  r3, r2
        smlabb  \a, r3, r12, \a
        smlatb  \b, r3, r12, \b
        uxtb16  r3, r2, ror #8
        smlabb  \c, r3, r12, \c
        smlatb  \d, r3, r12, \d
        .endm

        .macro  add_x
        ldrsb   r12, [r1], #1
        add_word r4, r5, r6, r7, 0
        add_word r8, r9, r10, r11, 4
        uxtah   r0, r0, lr
        .endm

@ stack: 68
        function dassdp_k_analogue_a32
        push    {r4-r11, lr}
        ldrh    r5, [r0, #DASSDP_PROJECTION_N_PRE]
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r8, [r0, #DASSDP_PROJECTION_FACTORY]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        sum_inputs
        subs    r4, #1
        lsls    r7, r4
        rsbs    r4, r7, #0
        subs    r6, r5, #1
        mov     r5, r1
        lsrs    r1, r6, #1
        add     r9, r8, r0
        mov     r12, r8
        pkhbt   r8, r0, r1, lsl #16
        adr     r7, 3f + 1              @ Thumb
        lsls    r6, r6, #31
        bmi     1f
        adr     r7, 4f + 1              @ an odd number of inputs
1:      mov     r6, r12
        push    {r2-r9}
2:      ldm     sp, {r1-r3, r12}        @ x, adds, start, acc
        mov     r0, r6
        ldr     lr, [sp, #ROUNDS]
        .irp    sum, r4, r5, r6, r7, r8, r9, r10, r11
        mov     \sum, r3
        .endr
        cbnz    r2, 5f
        ldr     pc, [sp, #ENTRY]
5:      .irp    sum, r4, r5, r6, r7, r8, r9, r10, r11
        ldr     r2, [r12], #4
        add     \sum, r2
        .endr
        ldr     pc, [sp, #ENTRY]
        .balign 4
3:      add_x
        .balign 4
4:      add_x
        subs    lr, lr, #0x10000
        bcs     3b
        ldr     r12, [sp, #ACC]
        stm     r12!, {r4-r11}
        str     r12, [sp, #ACC]
        ldr     r6, [sp, #COLUMN]
        ldr     r0, [sp, #END]
        adds    r6, #8
        str     r6, [sp, #COLUMN]
        cmp     r6, r0
        bne     2b
        add     sp, #FRAME
        pop     {r4-r11, pc}
        end_function dassdp_k_analogue_a32
