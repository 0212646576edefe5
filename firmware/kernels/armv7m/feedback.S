/* dassdp_k_feedback: the sum of w err over a row, padding included, where err is 0. A byte
 * u + 128 - 2^(weight_bits - 1) with bit 7 inverted is w in two's complement. */
#include "asm.h"

row     .req    r1
e0      .req    r2
err     .req    r3
sum     .req    r0
shift   .req    r4      /* of the bytes */
e1      .req    r5
w       .req    r6
t       .req    r7
row_end .req    r8
e2      .req    r9
e3      .req    r10

@ stack: 32
        function dassdp_k_feedback
        push    {r4-r10, lr}
        ldr     r5, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldrb    r6, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        mla     row, r5, r2, row
        add     row_end, row, r5
        movs    sum, #0
        cmp     r6, #16
        beq     3f
        subs    r6, #1
        mov     shift, #0x80808080
        lsr     r7, shift, #7           @ 1 in each byte
        lsls    r7, r6
        sub     shift, shift, r7
1:      ldr     w, [row], #4
        ldrsh   e0, [err], #2
        ldrsh   e1, [err], #2
        ldrsh   e2, [err], #2
        ldrsh   e3, [err], #2
        add     w, shift
        eor     w, w, #0x80808080
        sxtb    t, w
        mla     sum, t, e0, sum
        sxtb    t, w, ror #16
        mla     sum, t, e1, sum
        sxtb    t, w, ror #8
        mla     sum, t, e2, sum
        asrs    t, w, #24
        mla     sum, t, e3, sum
        cmp     row, row_end
        bne     1b
        pop     {r4-r10, pc}
3:      ldrsh   w, [row], #2
        ldrsh   e0, [err], #2
        ldrsh   t, [row], #2
        ldrsh   e1, [err], #2
        mla     sum, w, e0, sum
        mla     sum, t, e1, sum
        cmp     row, row_end
        bne     3b
        pop     {r4-r10, pc}
        end_function dassdp_k_feedback
