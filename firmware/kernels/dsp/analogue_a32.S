/* dassdp_k_analogue_a32: four inputs a round over all columns, sums in memory. Halves of words of two inputs
 * are put together, so that one byte of both is one column's, and SMLAD adds both products. Sums start less
 * the bias; the biased weights may make them wrap on the way, which is exact modulo 2^32. What is behind the
 * last input counts as 0 times any row. */
#include "analogue_dsp.h"

#define X 8 /* the frame: row_bytes, acc, x, inputs left, end of acc, row */
#define LEFT 12
#define END 16
#define ROW 20
#define FRAME 24

        @ columns n0, n2, n1, n3 of two rows at p and q; x are their inputs
        .macro  add_pair p, q, x
        ldr     r1, [\p], #4
        ldr     r12, [\q], #4
        pkhbt   lr, r1, r12, lsl #16
        pkhtb   r12, r12, r1, asr #16
        uxtb16  r1, lr
        smlad   r4, r1, \x, r4
        uxtb16  lr, lr, ror #8
        smlad   r6, lr, \x, r6
        uxtb16  r1, r12
        smlad   r5, r1, \x, r5
        uxtb16  r12, r12, ror #8
        smlad   r7, r12, \x, r7
        .endm

        .macro  add_four
        ldm     r0, {r4-r7}
        add_pair r8, r10, r2
        add_pair r9, r11, r3
        stm     r0!, {r4-r7}
        .endm

@ stack: 60
        function dassdp_k_analogue_a32
        push    {r4-r11, lr}
        ldrh    r5, [r0, #DASSDP_PROJECTION_N_PRE]
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r8, [r0, #DASSDP_PROJECTION_FACTORY]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        sum_inputs
        subs    r4, #1
        lsls    r7, r4
        rsbs    r7, r7, #0              @ what sums start at
        add     r6, r1, r0, lsl #2
        push    {r0-r2, r5, r6, r8}
        cbnz    r3, 2f
        .irp    sum, r3, r4, r5, r8, r9, r10, r11
        mov     \sum, r7
        .endr
1:      stm     r1!, {r3-r5, r7-r11}
        cmp     r1, r6
        bne     1b
        b       3f
2:      ldm     r1, {r4, r5, r8, r9}
        .irp    sum, r4, r5, r8, r9
        add     \sum, r7
        .endr
        stm     r1!, {r4, r5, r8, r9}
        cmp     r1, r6
        bne     2b
3:      ldm     sp, {r0-r3, r12, lr}
        mov     r8, lr
        subs    r3, #4
        blt     6f
        add     r9, r8, r0
        add     r10, r9, r0
        add     r11, r10, r0
        add     lr, r11, r0
        str     lr, [sp, #ROW]
        ldr     r5, [r2], #4
        str     r2, [sp, #X]
4:      str     r3, [sp, #LEFT]
        mov     r0, r1
        sxtb16  r2, r5
        sxtb16  r3, r5, ror #8
5:      add_four
        add_four
        ldr     r1, [sp, #END]
        cmp     r0, r1
        bne     5b
        ldr     r1, [sp, #LEFT]
        cmp     r1, #0
        bgt     3b
        add     sp, #FRAME
        pop     {r4-r11, pc}

6:      mov     r9, r8                  @ the last one to three
        mov     r10, r8
        mov     r11, r8
        ldrb    r5, [r2]
        adds    r3, #2                  @ -1, 0, 1
        blt     4b
        ldrb    r4, [r2, #1]
        orr     r5, r5, r4, lsl #8
        add     r9, r8, r0
        beq     4b
        ldrb    r4, [r2, #2]
        orr     r5, r5, r4, lsl #16
        add     r10, r9, r0
        subs    r3, #1
        b       4b
        end_function dassdp_k_analogue_a32
