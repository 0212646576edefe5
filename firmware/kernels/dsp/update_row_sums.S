/* dassdp_k_update_row_sums: dw = (k G + 2^(row_rshift - 1)) >> row_rshift, two columns a word, four a
 * round. */
#include "update_dsp.h"

#define SAVED 24

count   .req    r0      /* of vanished entries; from bit 16, how many rounds follow */
dw      .req    r1
k_at    .req    r2
sums    .req    r3
y       .req    r4
half    .req    r5
rshift  .req    r6
top     .req    r7
k       .req    r8
x       .req    r12

@ stack: 24
        function dassdp_k_update_row_sums
        push    {r4-r8, lr}
        ldrb    rshift, [r0, #DASSDP_UPDATE_ROW_RSHIFT]
        ldr     count, [sp, #SAVED]
        mov     half, #1
        lsl     half, half, rshift
        lsr     half, half, #1
        mvn     top, #0x00010001
        lsl     count, count, #14
        sub     count, count, #0x10000
1:      ldr     x, [sums], #4
        update
        ldr     x, [sums], #4
        update
        subs    count, count, #0x10000
        bcs     1b
        uxth    r0, count
        pop     {r4-r8, pc}
        end_function dassdp_k_update_row_sums
