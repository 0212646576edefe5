/* dassdp_k_scatter_a16: SXTAB16 adds bytes 0, 2 of four columns to lanes n0, n1 and bytes 1, 3 to
 * n2, n3; 16 columns a round, then four. Where times is not 1, products of single lanes. */
#include "asm.h"

acc     .req    r0
row     .req    r1
left    .req    r2      /* columns */
times   .req    r3

        .macro  add_four low, high, w
        sxtab16 \low, \low, \w
        sxtab16 \high, \high, \w, ror #8
        .endm

@ stack: 36
        function dassdp_k_scatter_a16
        push    {r4-r11, lr}
        cmp     times, #1
        bne     3f
        subs    left, #16
        blt     2f
1:      ldm     row!, {r4, r5}
        ldm     acc, {r6-r9}
        add_four r6, r7, r4
        add_four r8, r9, r5
        stm     acc!, {r6-r9}
        ldm     row!, {r4, r5}
        ldm     acc, {r6-r9}
        add_four r6, r7, r4
        add_four r8, r9, r5
        subs    left, #16
        stm     acc!, {r6-r9}
        bge     1b
2:      adds    left, #16
        beq     5f
4:      ldr     r4, [row], #4
        ldrd    r6, r7, [acc]
        add_four r6, r7, r4
        strd    r6, r7, [acc], #8
        subs    left, #4
        bne     4b
5:      pop     {r4-r11, pc}

3:      ldr     r4, [row], #4
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
        bne     3b
        pop     {r4-r11, pc}
        end_function dassdp_k_scatter_a16
