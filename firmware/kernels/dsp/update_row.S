/* dassdp_k_update_row: dw = (k n g + 2^(row_rshift - 1)) >> row_rshift, two columns a word, four a
 * round. n g <= 255 * 128 fits an int16 lane. */
#include "update_dsp.h"

#define SAVED 36

count   .req    r0      /* of vanished entries; from bit 16, how many rounds follow */
dw      .req    r1
k_at    .req    r2
y       .req    r3
g       .req    r4      /* table, or NULL */
t_post  .req    r5
t_pre   .req    r6      /* in four bytes */
half    .req    r7
rshift  .req    r8
n       .req    r9      /* n_spikes, or 128 n_spikes in both lanes */
top     .req    r10     /* 2^16 - 2 in both lanes */
k       .req    r11
x       .req    r12
steps   .req    lr

        .macro  scale
        ldrb    x, [g, x]
        ldrb    y, [g, y]
        pkhbt   x, x, y, lsl #16
        mul     x, x, n
        .endm

@ stack: 36
        function dassdp_k_update_row
        push    {r4-r11, lr}
        ldrb    rshift, [r0, #DASSDP_UPDATE_ROW_RSHIFT]
        ldr     g, [r0, #DASSDP_UPDATE_G_Q7]
        ldr     n, [sp, #SAVED]
        ldrd    t_post, t_pre, [sp, #SAVED + 4]
        mov     half, #1
        lsl     half, half, rshift
        lsr     half, half, #1
        mvn     top, #0x00010001
        lsl     count, r3, #14
        sub     count, count, #0x10000
        cmp     g, #0
        beq     2f
        orr     t_pre, t_pre, t_pre, lsl #8
        orr     t_pre, t_pre, t_pre, lsl #16
1:      ldr     steps, [t_post], #4
        usub8   x, steps, t_pre
        usub8   y, t_pre, steps
        sel     steps, y, x
        uxtb    x, steps
        uxtb    y, steps, ror #8
        scale
        update
        uxtb    x, steps, ror #16
        lsr     y, steps, #24
        scale
        update
        subs    count, count, #0x10000
        bcs     1b
        uxth    r0, count
        pop     {r4-r11, pc}
2:      lsl     n, n, #7
        orr     n, n, n, lsl #16
3:      mov     x, n
        update
        mov     x, n
        update
        subs    count, count, #0x10000
        bcs     3b
        uxth    r0, count
        pop     {r4-r11, pc}
        end_function dassdp_k_update_row
