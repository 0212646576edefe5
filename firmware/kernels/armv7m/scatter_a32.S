/* dassdp_k_scatter_a32: eight columns a round, then four; bytes hold columns n0 n2 n1 n3. */
#include "asm.h"

acc     .req    r0
row     .req    r1
left    .req    r2      /* columns */
times   .req    r3
w       .req    r4
t       .req    r5

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

@ stack: 24
        function dassdp_k_scatter_a32
        push    {r4-r9}
        subs    left, #8
        blt     2f
1:      add_four
        add_four
        subs    left, #8
        bge     1b
2:      adds    left, #8
        beq     3f
        add_four
3:      pop     {r4-r9}
        bx      lr
        end_function dassdp_k_scatter_a32
