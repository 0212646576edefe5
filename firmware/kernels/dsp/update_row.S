/* dassdp_k_update_row: dw = k n g / 2^row_rshift rounded, eight columns a round. SMMULR rounds as it drops
 * 32 bits of k g times n 2^(32 - row_rshift). Without a table SMLAW leaves 2 dw + 1 of k times
 * 128 n 2^(17 - row_rshift), whose half is dw rounded. */
#include "update_dsp.h"

#define SAVED 36

n_moved .req    r0
dw      .req    r1
k_at    .req    r2
left    .req    r3      /* columns */
n       .req    r4      /* times a power of two */
t_post  .req    r5
g       .req    r6      /* table, or 1 */
top     .req    r7
k       .req    r8
k_next  .req    r9
x0       .req    r10
x1       .req    r11
x2       .req    r12
x3       .req    lr

@ stack: 36
        function dassdp_k_update_row
        push    {r4-r11, lr}
        ldr     n, [sp, #SAVED]
        ldrd    t_post, g, [sp, #SAVED + 4]
        mvn     top, #0x00010001
        cmp     g, #0
        beq     2f
        rsb     r0, r0, #32
        lsl     n, n, r0
        movs    n_moved, #0
1:      .rept   2
        ldrd    k, k_next, [k_at], #8
        ldrb    x0, [t_post], #4
        ldrb    x1, [t_post, #-3]
        ldrb    x2, [t_post, #-2]
        ldrb    x3, [t_post, #-1]
        ldrb    x0, [g, x0]
        ldrb    x1, [g, x1]
        ldrb    x2, [g, x2]
        ldrb    x3, [g, x3]
        smulbb  x0, k, x0
        smultb  x1, k, x1
        smulbb  x2, k_next, x2
        smultb  x3, k_next, x3
        .irp    entry, x0, x1, x2, x3
        smmulr  \entry, \entry, n
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
2:      rsb     r0, r0, #24
        lsl     n, n, r0
        movs    n_moved, #0
        movs    g, #1
3:      .rept   2
        ldrd    k, k_next, [k_at], #8
        smlawb  x0, n, k, g
        smlawt  x1, n, k, g
        smlawb  x2, n, k_next, g
        smlawt  x3, n, k_next, g
        lsls    x1, x1, #15
        lsls    x3, x3, #15
        pkhtb   x0, x1, x0, asr #1
        pkhtb   x2, x3, x2, asr #1
        strd    x0, x2, [dw], #8
        count_moved x0
        count_moved x2
        .endr
        subs    left, #8
        bne     3b
        pop     {r4-r11, pc}
        end_function dassdp_k_update_row
