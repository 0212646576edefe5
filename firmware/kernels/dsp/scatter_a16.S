/* dassdp_k_scatter_a16: SXTAB16 adds bytes 0, 2 of four columns to lanes n0, n1 and bytes 1, 3 to
 * n2, n3; 16 columns a round, then four. Where times is not 1, products of single lanes. */
#include "asm.h"

acc     .req    r0
row     .req    r1
left    .req    r2      /* columns */
times   .req    r3
patch   .req    lr

        .macro  add_four low, high, w
        sxtab16 \low, \low, \w
        sxtab16 \high, \high, \w, ror #8
        .endm

        @ to the next row of the patch, or out of the function; [sp] rows left
        .macro  next_row again
        ldr     r4, [sp]
        subs    r4, #1
        beq     9f
        str     r4, [sp]
        ldrd    r4, r5, [patch, #8]
        add     acc, acc, r4
        add     row, row, r5
        b       \again
        .endm

@ stack: 40
        function dassdp_k_scatter_a16
        push    {r3-r11, lr}
        mov     patch, r2
        ldr     r4, [patch, #4]
        str     r4, [sp]
        cmp     times, #1
        bne     5f
1:      ldr     left, [patch]
        subs    left, #16
        blt     3f
2:      ldm     row!, {r3, r12}
        ldm     acc, {r4-r11}
        add_four r4, r5, r3
        add_four r6, r7, r12
        ldm     row!, {r3, r12}
        add_four r8, r9, r3
        add_four r10, r11, r12
        subs    left, #16
        stm     acc!, {r4-r11}
        bge     2b
3:      adds    left, #16
        beq     7f
4:      ldr     r3, [row], #4
        ldrd    r4, r5, [acc]
        add_four r4, r5, r3
        subs    left, #4
        strd    r4, r5, [acc], #8
        bne     4b
7:      next_row 1b

5:      ldr     left, [patch]
6:      ldr     r4, [row], #4
        ldrd    r6, r7, [acc]
        sxtb16  r5, r4
        sxtb16  r4, r4, ror #8
        smulbb  r8, r5, times
        smultb  r9, r5, times
        smulbb  r10, r4, times
        smultb  r11, r4, times
        pkhbt   r8, r8, r9, lsl #16
        pkhbt   r10, r10, r11, lsl #16
        sadd16  r6, r6, r8
        sadd16  r7, r7, r10
        strd    r6, r7, [acc], #8
        subs    left, #4
        bne     6b
        next_row 5b
9:      pop     {r3-r11, pc}
        end_function dassdp_k_scatter_a16

        .section .rodata.dassdp_k_scatter_a16_zero, "a", %progbits
        .balign 4
        .global dassdp_k_scatter_a16_zero
        .type   dassdp_k_scatter_a16_zero, %object
dassdp_k_scatter_a16_zero:
        .word   0
        .size   dassdp_k_scatter_a16_zero, 4
