/* dassdp_k_scatter_a32: eight columns a round, then four; bytes hold columns n0 n2 n1 n3. */
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

@ stack: 28
        function dassdp_k_scatter_a32
        push    {r4-r9, lr}
        ldr     rows, [patch, #4]
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
        beq     5f
        ldrd    r4, r5, [patch, #8]
        add     acc, acc, r4
        add     row, row, r5
        b       1b
5:      pop     {r4-r9, pc}
        end_function dassdp_k_scatter_a32
