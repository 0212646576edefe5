/* dassdp_k_update_row: dw = (k n g + 2^(row_rshift - 1)) >> row_rshift, two columns a round; an entry
 * that becomes zero leaves the round to be counted. */
#include "asm.h"

#define SAVED 36

n_vanished .req r0
dw      .req    r1
k_at    .req    r2
dw_end  .req    r3
g       .req    r4      /* table, or n_spikes 128 */
t_post  .req    r5
t_pre   .req    r6
half    .req    r7
rshift  .req    r8
n       .req    r9
k       .req    r10
x       .req    r11
t       .req    r12

/* Z: the entry is zero; `number` names its labels. */
        .macro  column timed, number
        ldrsh   k, [k_at], #2
        .if     \timed
        ldrb    t, [t_post], #1
        subs    t, t, t_pre
        it      mi
        rsbmi   t, t, #0
        ldrb    t, [g, t]
        mul     t, t, n
        mla     x, k, t, half
        .else
        mla     x, k, g, half
        .endif
        asrs    x, x, rshift
        beq     .Lzero_\number
.Lcounted_\number:
        strh    x, [dw], #2
        .endm

        .macro  zero number
.Lzero_\number:
        cmp     k, #0
        it      ne
        addne   n_vanished, #1
        b       .Lcounted_\number
        .endm

@ stack: 36
        function dassdp_k_update_row
        push    {r4-r11, lr}
        ldrb    rshift, [r0, #DASSDP_UPDATE_ROW_RSHIFT]
        ldr     g, [r0, #DASSDP_UPDATE_G_Q7]
        ldr     n, [sp, #SAVED]
        ldr     t_post, [sp, #SAVED + 4]
        ldr     t_pre, [sp, #SAVED + 8]
        movs    half, #1
        lsl     half, half, rshift
        lsrs    half, half, #1
        add     dw_end, dw, r3, lsl #1
        movs    n_vanished, #0
        cbz     g, 2f
1:      column  1, 0
        column  1, 1
        cmp     dw, dw_end
        bne     1b
        pop     {r4-r11, pc}
2:      lsl     g, n, #7
3:      column  0, 2
        column  0, 3
        cmp     dw, dw_end
        bne     3b
        pop     {r4-r11, pc}
        zero    0
        zero    1
        zero    2
        zero    3
        end_function dassdp_k_update_row
