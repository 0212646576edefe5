/* dassdp_k_update_row_sums: dw = (k sums + 2^(row_rshift - 1)) >> row_rshift, four columns a
 * round. */
#include "asm.h"

#define SAVED 24

n_moved .req    r0
dw      .req    r1
k_at    .req    r2
sums    .req    r3
half    .req    r4
rshift  .req    r5
k       .req    r6
x       .req    r7
dw_end  .req    r8

@ stack: 24
        function dassdp_k_update_row_sums
        push    {r4-r8, lr}
        mov     rshift, r0
        subs    r0, #1
        movs    half, #1
        lsls    half, r0
        ldr     n_moved, [sp, #SAVED]
        add     dw_end, dw, n_moved, lsl #1
1:      .rept   4
        ldrsh   k, [k_at], #2
        ldrsh   x, [sums], #2
        mla     x, k, x, half
        asrs    x, x, rshift
        it      eq
        subeq   n_moved, #1
        strh    x, [dw], #2
        .endr
        cmp     dw, dw_end
        bne     1b
        pop     {r4-r8, pc}
        end_function dassdp_k_update_row_sums
