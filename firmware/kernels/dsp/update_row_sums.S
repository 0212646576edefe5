/* dassdp_k_update_row_sums: dw = (k sums + 2^(row_rshift - 1)) >> row_rshift, eight columns a round. */
#include "update_dsp.h"

#define SAVED 36

n_moved .req    r0
dw      .req    r1
k_at    .req    r2
sums    .req    r3
left    .req    r4      /* columns */
half    .req    r5
rshift  .req    r6
top     .req    r7
k       .req    r8
k_next  .req    r9
x0       .req    r10
x2       .req    r11
x1       .req    r12
x3       .req    lr

@ stack: 36
        function dassdp_k_update_row_sums
        push    {r4-r11, lr}
        ldr     left, [sp, #SAVED]
        mov     rshift, r0
        movs    half, #1
        subs    r0, #1
        lsls    half, r0
        mvn     top, #0x00010001
        movs    n_moved, #0
1:      .rept   2
        ldrd    k, k_next, [k_at], #8
        ldrd    x0, x2, [sums], #8
        smlatt  x1, k, x0, half
        smlabb  x0, k, x0, half
        smlatt  x3, k_next, x2, half
        smlabb  x2, k_next, x2, half
        .irp    entry, x0, x1, x2, x3
        asr     \entry, \entry, rshift
        .endr
        pkhbt   x0, x0, x1, lsl #16
        pkhbt   x2, x2, x3, lsl #16
        strd    x0, x2, [dw], #8
        count_moved x0
        count_moved x2
        .endr
        subs    left, #8
        bne     1b
        pop     {r4-r11, pc}
        end_function dassdp_k_update_row_sums
