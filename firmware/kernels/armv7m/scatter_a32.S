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

        .macro  add_eight
        add_four
        add_four
        .endm

        @ the same, once
        .macro  spike w
        ldm     acc, {r6-r9}
        sxtab   r6, r6, \w
        sxtab   r8, r8, \w, ror #8
        sxtab   r7, r7, \w, ror #16
        add     r9, r9, \w, asr #24
        stm     acc!, {r6-r9}
        .endm

        .macro  spike_four
        ldr     w, [row], #4
        spike   w
        .endm

        .macro  spike_eight
        ldrd    w, t, [row], #8
        spike   w
        spike   t
        .endm

        .macro  scatter name
1:      ldr     left, [patch]
        subs    left, #8
        blt     3f
2:      \name\()_eight
        subs    left, #8
        bge     2b
3:      adds    left, #8
        beq     4f
        \name\()_four
4:      subs    rows, #1
        beq     5f
        ldrd    r4, r5, [patch, #8]
        add     acc, acc, r4
        add     row, row, r5
        b       1b
5:      pop     {r4-r9, pc}
        .endm

@ stack: 28
        function dassdp_k_scatter_a32
        push    {r4-r9, lr}
        ldr     rows, [patch, #4]
#ifdef __ARM_FEATURE_DSP
        cmp     times, #1
        bne     6f
        scatter spike
6:
#endif
        scatter add
        end_function dassdp_k_scatter_a32
