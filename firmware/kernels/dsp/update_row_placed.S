/* dassdp_k_update_row_placed: dw = k sums / 2^row_rshift rounded, eight columns a round. SMMULR rounds as it
 * drops 32 bits of k sums times 2^(32 - row_rshift). */
#include "update_dsp.h"

#define SAVED 32

n_moved .req    r0
dw      .req    r1
k_at    .req    r2
sums    .req    r3
left    .req    r4      /* columns */
scale   .req    r5
top     .req    r6
x0      .req    r7      /* sums of columns 0, 1, then an entry */
x2      .req    r8
k       .req    r9     /* and the place above it */
k_next  .req    r10
t       .req    lr

        .macro  placed x, k
        lsr     \k, \k, #16
        strh    \x, [dw, \k]
        .endm

@ stack: 32
        function dassdp_k_update_row_placed
        push    {r4-r10, lr}
        ldr     left, [sp, #SAVED]
        rsb     r0, r0, #32
        movs    scale, #1
        lsls    scale, r0
        mvn     top, #0x00010001
        movs    n_moved, #0
1:      .rept   2
        ldrd    k, k_next, [k_at], #8
        ldrd    x0, x2, [sums], #8
        smulbb  t, k, x0
        smulbt  x0, k_next, x0
        smmulr  t, t, scale
        smmulr  x0, x0, scale
        placed  t, k
        placed  x0, k_next
        pkhbt   x0, t, x0, lsl #16
        count_moved x0
        ldrd    k, k_next, [k_at], #8
        smulbb  t, k, x2
        smulbt  x2, k_next, x2
        smmulr  t, t, scale
        smmulr  x2, x2, scale
        placed  t, k
        placed  x2, k_next
        pkhbt   x2, t, x2, lsl #16
        count_moved x2
        .endr
        subs    left, #8
        bne     1b
        pop     {r4-r10, pc}
        end_function dassdp_k_update_row_placed
