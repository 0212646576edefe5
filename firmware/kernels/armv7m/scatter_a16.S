/* dassdp_k_scatter_a16 without SIMD: two int16 lanes of a word change at once. With their top bits
 * inverted lanes are unsigned, u = w + 128 is added and 128 taken off, and no lane carries into the
 * next one in the end. Four columns a round; where times is not 1, one at a time. */
#include "asm.h"

acc     .req    r0
row     .req    r1
left    .req    r2      /* columns */
times   .req    r3
mask    .req    r4
w       .req    r5
low     .req    r6
high    .req    r7
x       .req    r8
y       .req    r9

        .macro  add_lanes sums, bytes
        eor     \sums, \sums, #0x80008000
        add     \sums, \sums, \bytes
        sub     \sums, \sums, #0x00800080
        eor     \sums, \sums, #0x80008000
        .endm

        .macro  add_column at, shift
        ldrh    x, [acc, #\at]
        sxtb    y, w, ror #\shift
        mla     x, y, times, x
        strh    x, [acc, #\at]
        .endm

@ stack: 24
        function dassdp_k_scatter_a16
        push    {r4-r9}
        cmp     times, #1
        bne     2f
        mov     mask, #0x00FF00FF
1:      ldr     w, [row], #4
        ldm     acc, {x, y}
        eor     w, w, #0x80808080
        and     low, mask, w
        and     high, mask, w, lsr #8
        add_lanes x, low
        add_lanes y, high
        subs    left, #4
        stm     acc!, {x, y}
        bne     1b
        pop     {r4-r9}
        bx      lr
2:      ldr     w, [row], #4
        add_column 0, 0
        add_column 4, 8
        add_column 2, 16
        add_column 6, 24
        adds    acc, #8
        subs    left, #4
        bne     2b
        pop     {r4-r9}
        bx      lr
        end_function dassdp_k_scatter_a16
