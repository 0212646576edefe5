/* Learning rows of byte weights, eight columns a round. With a weight shifted to the top of an
 * int16 lane and a random byte below it,
 *   sat(w + ((dw_q8 + u) >> 8)) = sat16(256 w + u + dw_q8) >> 8.
 * All bytes of w are moved so that 127 is the top of their range (raise), where QADD16 saturates;
 * lower moves them back. GE is 1 in bytes 1 and 3 throughout: SEL takes these from its first
 * operand. */
#include "asm.h"

#define RNG 36

random  .req    r10
dw_at   .req    r11
row     .req    r12

        .macro  learn_word w, dw_even, dw_odd
        eor     random, random, random, lsl #13
        eor     random, random, random, lsr #17
        eor     random, random, random, lsl #5
        raise \w
        lsl     r8, \w, #8
        sel     r8, r8, random
        lsr     r9, random, #8
        sel     r9, \w, r9
        qadd16  r8, r8, \dw_even
        qadd16  r9, r9, \dw_odd
        lsr     r8, r8, #8
        sel     \w, r9, r8
        lower \w
        .endm

/* The file defines `prepare`, which may set r0 (the projection) and r1 and change r2, and with
 * these `raise` and `lower`. */
        .macro  learn_rows name
        function \name
        push    {r4-r11, lr}
        ldr     r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldr     r5, [sp, #RNG]
        mov     r8, r1
        add     r9, r1, r2, lsl #2
        mov     dw_at, r3
        add     lr, r3, r4, lsl #1
        ldr     random, [r5]
        prepare
        mvn     r4, #0x00FF00FF
        uadd8   r4, r4, r4              @ GE
        push    {r8, r9, dw_at}         @ list, its end
1:      ldr     row, [r8], #4
        str     r8, [sp]
2:      ldm     row, {r2-r3}
        ldm     dw_at!, {r4-r7}
        learn_word r2, r4, r5
        learn_word r3, r6, r7
        stm     row!, {r2-r3}
        cmp     dw_at, lr
        bne     2b
        ldm     sp, {r8, r9, dw_at}
        cmp     r8, r9
        bne     1b
        add     sp, #12
        ldr     r5, [sp, #RNG]
        str     random, [r5]
        pop     {r4-r11, pc}
        end_function \name
        .endm
