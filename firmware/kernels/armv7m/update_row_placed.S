/* dassdp_k_update_row_placed: dw = (k sums + 2^(row_rshift - 1)) >> row_rshift, four columns a
 * round. */
#include "asm.h"

#define SAVED 32

n_moved .req    r0
dw      .req    r1
k_at    .req    r2
sums    .req    r3
half    .req    r4
rshift  .req    r5
k       .req    r6
x       .req    r7
place   .req    r8      /* above k */
k_end   .req    r9

@ stack: 32
        function dassdp_k_update_row_placed
        push    {r3-r9, lr}
        mov     rshift, r0
        subs    r0, #1
        movs    half, #1
        lsls    half, r0
        ldr     n_moved, [sp, #SAVED]
        add     k_end, k_at, n_moved, lsl #2
1:      .rept   4
        ldr     place, [k_at], #4
        ldrsh   x, [sums], #2
        sxth    k, place
        mla     x, k, x, half
        lsr     place, place, #16
        asrs    x, x, rshift
        it      eq
        subeq   n_moved, #1
        strh    x, [dw, place]
        .endr
        cmp     k_at, k_end
        bne     1b
        pop     {r3-r9, pc}
        end_function dassdp_k_update_row_placed
