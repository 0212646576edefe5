/* dassdp_k_scatter_a16: rows of 4, 8 and 12 columns have loops of their own; of others 16 columns a
 * round, then eight and four. Where times is not 1, products of single lanes. */
#include "asm.h"
#include "scatter_dsp.h"

acc     .req    r0
row     .req    r1
left    .req    r2      /* columns */
times   .req    r3
columns .req    r9      /* the patch: of a row; rows; bytes from row to row: sums, weights */
rows    .req    r10
astep   .req    r11
wstep   .req    r12

        @ to the next row of the patch, whose steps are in registers, or out of the function
        .macro  next_narrow again
        add     acc, acc, astep
        add     row, row, wstep
        subs    rows, #1
        bne     \again
        pop     {r4-r11, pc}
        .endm

        @ the same where rows are in lr and, at sp, columns left of a new row and both steps
        .macro  next_row again
        subs    lr, #1
        beq     9f
        ldm     sp, {r2, r4, r5}
        add     acc, acc, r4
        add     row, row, r5
        b       \again
        .endm

@ stack: 48
        function dassdp_k_scatter_a16
        push    {r4-r11, lr}
        ldm     r2, {r9-r12}
        cmp     times, #1
        bne     8f
        cmp     columns, #12
        bhi     4f
        bne     2f
1:      add_next_twelve acc, row
        next_narrow 1b
2:      cmp     columns, #8
        bne     3f
2:      add_next_eight acc, row
        next_narrow 2b
3:      add_next_four acc, row
        next_narrow 3b

4:      subs    left, columns, #16
        mov     lr, rows
        push    {r2, r11, r12}
5:      ldm     row!, {r3, r12}
        ldm     acc, {r4-r11}
        add_four r4, r5, r3
        add_four r6, r7, r12
        ldm     row!, {r3, r12}
        add_four r8, r9, r3
        add_four r10, r11, r12
        subs    left, #16
        stm     acc!, {r4-r11}
        bge     5b
        lsls    r3, left, #29           @ carry: eight are left; minus: four
        bcc     7f
        add_next_eight acc, row
7:      bpl     7f
        add_next_four acc, row
7:      next_row 5b

8:      mov     left, columns
        mov     lr, rows
        push    {r2, r11, r12}
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
        next_row 6b
9:      add     sp, #12
        pop     {r4-r11, pc}
        end_function dassdp_k_scatter_a16

        .section .rodata.dassdp_k_scatter_a16_zero, "a", %progbits
        .balign 4
        .global dassdp_k_scatter_a16_zero
        .type   dassdp_k_scatter_a16_zero, %object
dassdp_k_scatter_a16_zero:
        .word   0
        .size   dassdp_k_scatter_a16_zero, 4
