/* dassdp_k_scatter_a16 without SIMD: two int16 lanes of a word change at once. Sums have their top
 * bits inverted (dassdp_k_scatter_a16_zero), so lanes are unsigned: u = w + 128 is added and 128 taken
 * off, and no lane carries into the next one in the end. 16 columns a round, then four. Where times is
 * not 1, one at a time: modulo 2^16 the top bit is no matter. */
#include "asm.h"

acc     .req    r0
row     .req    r1
patch   .req    r2
times   .req    r3
mask    .req    r4
rows    .req    r11
left    .req    r12     /* columns */
low     .req    lr

        .macro  add_four x, y, w
        eor     \w, \w, #0x80808080
        and     low, mask, \w
        and     \w, mask, \w, lsr #8
        add     \x, \x, low
        add     \y, \y, \w
        sub     \x, \x, #0x00800080
        sub     \y, \y, #0x00800080
        .endm

        .macro  add_eight
        ldm     row!, {r3, r5}
        ldm     acc, {r6-r9}
        add_four r6, r7, r3
        add_four r8, r9, r5
        stm     acc!, {r6-r9}
        .endm

        .macro  add_column at, shift
        ldrh    r6, [acc, #\at]
        sxtb    r7, r5, ror #\shift
        mla     r6, r7, times, r6
        strh    r6, [acc, #\at]
        .endm

        @ to the next row of the patch, or out of the function
        .macro  next_row again
        subs    rows, #1
        beq     9f
        ldrd    r5, r6, [patch, #8]
        add     acc, acc, r5
        add     row, row, r6
        b       \again
        .endm

@ stack: 32
        function dassdp_k_scatter_a16
        push    {r4-r9, r11, lr}
        cmp     times, #1
        ldr     rows, [patch, #4]
        bne     5f
        mov     mask, #0x00FF00FF
1:      ldr     left, [patch]
        subs    left, #16
        blt     3f
2:      add_eight
        add_eight
        subs    left, #16
        bge     2b
3:      adds    left, #16
        beq     7f
4:      ldr     r3, [row], #4
        ldrd    r6, r7, [acc]
        add_four r6, r7, r3
        strd    r6, r7, [acc], #8
        subs    left, #4
        bne     4b
7:      next_row 1b

5:      ldr     left, [patch]
6:      ldr     r5, [row], #4
        add_column 0, 0
        add_column 4, 8
        add_column 2, 16
        add_column 6, 24
        adds    acc, #8
        subs    left, #4
        bne     6b
        next_row 5b
9:      pop     {r4-r9, r11, pc}
        end_function dassdp_k_scatter_a16

        .section .rodata.dassdp_k_scatter_a16_zero, "a", %progbits
        .balign 4
        .global dassdp_k_scatter_a16_zero
        .type   dassdp_k_scatter_a16_zero, %object
dassdp_k_scatter_a16_zero:
        .word   0x80008000
        .size   dassdp_k_scatter_a16_zero, 4
