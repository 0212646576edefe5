/* dassdp_k_scatter_plain_a16: all nine taps of one column, as of a depthwise 3x3 kernel away from borders,
 * then two or three taps a row, then any taps of one column, then any at all. */
#include "asm.h"
#include "scatter_taps_v7m.h"

acc     .req    r0
row     .req    r1
left    .req    r2      /* columns */
times   .req    r3
columns .req    r4      /* of a row */
rows    .req    r5
astep   .req    r6      /* bytes from row to row: sums, weights */
wstep   .req    r7
taps    .req    r8      /* columns of a tap */
place   .req    r9

        .macro  add_tap at, to:vararg
        ldrsb   r10, [row, #\at]
        ldrh    r12, [\to]
        mla     r12, r10, times, r12
        strh    r12, [\to]
        .endm

@ stack: 32
        function dassdp_k_scatter_plain_a16
        push    {r4-r10, lr}
        ldm     r2, {r4-r9}
        cmp     taps, #1
        itttt   eq
        cmpeq   times, #1
        cmpeq   columns, #3
        cmpeq   rows, #3
        cmpeq   wstep, #0
        beq     9f
        cmp     taps, #1
        bne     4f
        cmp     columns, #3
        bhi     2f
        cmp     columns, #2
        blo     2f
        mla     astep, columns, place, astep
        add     wstep, wstep, columns
        bne     1f
0:      add_tap 0, acc
        add_tap 1, acc, place
        subs    rows, #1
        add     row, row, wstep
        add     acc, acc, astep
        bne     0b
        pop     {r4-r10, pc}

1:      add_tap 0, acc
        add_tap 1, acc, place
        add_tap 2, acc, place, lsl #1
        subs    rows, #1
        add     row, row, wstep
        add     acc, acc, astep
        bne     1b
        pop     {r4-r10, pc}

2:      mov     left, columns
3:      ldrsb   r10, [row], #1
        ldrh    r12, [acc]
        subs    left, #1
        mla     r12, r10, times, r12
        strh    r12, [acc]
        add     acc, acc, place
        bne     3b
        subs    rows, #1
        add     row, row, wstep
        add     acc, acc, astep
        bne     2b
        pop     {r4-r10, pc}

4:      sub     place, place, taps, lsl #1
5:      add     lr, row, columns
6:      mov     left, taps
7:      ldrsb   r10, [row], #1
        ldrh    r12, [acc]
        subs    left, #1
        mla     r12, r10, times, r12
        strh    r12, [acc], #2
        bne     7b
        cmp     row, lr
        add     acc, acc, place
        bne     6b
        subs    rows, #1
        add     row, row, wstep
        add     acc, acc, astep
        bne     5b
        pop     {r4-r10, pc}

9:      ldr     r2, [row]
        ldr     r3, [row, #4]
        ldrsb   r4, [row, #8]
        add     astep, astep, place
        add     astep, astep, place, lsl #1
        add_nine acc, place, astep, r12, r10, r2, r3, r4
        pop     {r4-r10, pc}
        end_function dassdp_k_scatter_plain_a16
