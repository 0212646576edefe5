/* dassdp_k_scatter_a32: eight columns a round, then four; bytes hold columns n0 n2 n1 n3. SXTAB adds what is
 * added once. */
#include "asm.h"

acc     .req    r0
row     .req    r1
patch   .req    r2
times   .req    r3
w       .req    r4
t       .req    r5
left    .req    r12     /* columns */
rows    .req    lr

        .macro  add_four
        ldr     w, [row], #4
        ldm     acc, {r6-r9}
        sxtb    t, w
        mla     r6, t, times, r6
        sxtb    t, w, ror #8
        mla     r8, t, times, r8
        sxtb    t, w, ror #16
        mla     r7, t, times, r7
        asr     t, w, #24
        mla     r9, t, times, r9
        stm     acc!, {r6-r9}
        .endm

        @ four columns of what is added once
        .macro  spike w, n0, n1, n2, n3
        sxtab   \n0, \n0, \w
        sxtab   \n2, \n2, \w, ror #8
        sxtab   \n1, \n1, \w, ror #16
        add     \n3, \n3, \w, asr #24
        .endm

@ stack: 36
        function dassdp_k_scatter_a32
        push    {r4-r11, lr}
        ldr     rows, [patch, #4]
#ifdef __ARM_FEATURE_DSP
        cmp     times, #1
        bne     1f
5:      ldr     times, [patch]          @ columns
        subs    times, #8
        blt     7f
        push    {rows}
6:      ldrd    w, t, [row], #8
        ldm     acc, {r6-r12, lr}
        spike   w, r6, r7, r8, r9
        spike   t, r10, r11, r12, lr
        stm     acc!, {r6-r12, lr}
        subs    times, #8
        bge     6b
        pop     {rows}
7:      adds    times, #8
        beq     8f
        ldr     w, [row], #4
        ldm     acc, {r6-r9}
        spike   w, r6, r7, r8, r9
        stm     acc!, {r6-r9}
8:      subs    rows, #1
        beq     9f
        ldrd    r4, r5, [patch, #8]
        add     acc, acc, r4
        add     row, row, r5
        b       5b
#endif
1:      ldr     left, [patch]
        subs    left, #8
        blt     3f
2:      add_four
        add_four
        subs    left, #8
        bge     2b
3:      adds    left, #8
        beq     4f
        add_four
4:      subs    rows, #1
        beq     9f
        ldrd    r4, r5, [patch, #8]
        add     acc, acc, r4
        add     row, row, r5
        b       1b
9:      pop     {r4-r11, pc}
        end_function dassdp_k_scatter_a32
