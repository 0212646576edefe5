/* dassdp_k_update_row: dw = (k n g + 2^(row_rshift - 1)) >> row_rshift, four columns a round. */
#include "asm.h"

#define SAVED 36

n_moved .req    r0
dw      .req    r1
k_at    .req    r2
dw_end  .req    r3
g       .req    r4      /* table, or n_spikes 128 */
t_post  .req    r5
half    .req    r6
n       .req    r7
rshift  .req    r8
k       .req    r9
x       .req    r10

        .macro  column timed
        ldrsh   k, [k_at], #2
        .if     \timed
        ldrb    x, [t_post], #1
        ldrb    x, [g, x]
        mul     x, x, n
        mla     x, k, x, half
        .else
        mla     x, k, g, half
        .endif
        asrs    x, x, rshift
        it      eq
        subeq   n_moved, #1
        strh    x, [dw], #2
        .endm

@ stack: 36
        function dassdp_k_update_row
        push    {r4-r11, lr}
        ldrd    n, t_post, [sp, #SAVED]
        ldr     g, [sp, #SAVED + 8]
        mov     rshift, r0
        subs    r0, #1
        movs    half, #1
        lsls    half, r0
        mov     n_moved, r3
        add     dw_end, dw, r3, lsl #1
        cmp     g, #0
        beq     2f
1:      .rept   4
        column  1
        .endr
        cmp     dw, dw_end
        bne     1b
        pop     {r4-r11, pc}
2:      lsls    g, n, #7
3:      .rept   4
        column  0
        .endr
        cmp     dw, dw_end
        bne     3b
        pop     {r4-r11, pc}
        end_function dassdp_k_update_row
