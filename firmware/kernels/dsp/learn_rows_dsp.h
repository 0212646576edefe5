/* Learning rows of byte weights, eight columns a round. UXTAB16 adds a random byte to dw_q8 in an int16
 * lane, whose upper byte is then the step. All bytes of w are moved so that 127 is the top of their range
 * (raise), where QADD8 saturates; lower moves them back. GE is 1 in bytes 1 and 3 throughout: SEL takes
 * these from its first operand. */
#include "asm.h"

#define SAVED 36

list    .req    r8
random  .req    r10
dw_at   .req    r11
row     .req    r12

        .macro  learn_word w, dw_even, dw_odd
        eor     random, random, random, lsl #13
        eor     random, random, random, lsr #17
        eor     random, random, random, lsl #5
        uxtab16 \dw_even, \dw_even, random
        uxtab16 \dw_odd, \dw_odd, random, ror #8
        lsr     \dw_even, \dw_even, #8
        sel     \dw_odd, \dw_odd, \dw_even
        raise \w
        qadd8   \w, \w, \dw_odd
        lower \w
        .endm

/* Eight columns of a row, in bytes or in one word of nibbles. */
        .macro  load is_packed
        .if     \is_packed
        ldr     r3, [row]
        and     r2, r3, #0x0F0F0F0F
        lsr     r3, r3, #4
        and     r3, r3, #0x0F0F0F0F
        .else
        ldm     row, {r2-r3}
        .endif
        .endm

        .macro  store is_packed
        .if     \is_packed
        orr     r2, r2, r3, lsl #4
        str     r2, [row], #4
        .else
        stm     row!, {r2-r3}
        .endif
        .endm

/* The file defines `prepare`, which may set r0 (the projection) and r1 and change r2, and with
 * these `raise` and `lower`. */
        .macro  learn_rows name, is_packed=0
        function \name
        push    {r4-r11, lr}
        ldr     r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldr     r5, [sp, #SAVED]
        mov     list, r1
        add     r9, r1, r2, lsl #2      @ its end
        add     lr, r3, r4, lsl #1 + \is_packed
        push    {r3}
        ldr     random, [r5]
        prepare
        mvn     r4, #0x00FF00FF
        uadd8   r4, r4, r4              @ GE
1:      ldr     row, [list], #4
        ldr     dw_at, [sp]
2:      load    \is_packed
        ldm     dw_at!, {r4-r7}
        learn_word r2, r4, r5
        learn_word r3, r6, r7
        store   \is_packed
        cmp     dw_at, lr
        bne     2b
        cmp     list, r9
        bne     1b
        add     sp, #4
        ldr     r5, [sp, #SAVED]        @ rng
        str     random, [r5]
        pop     {r4-r11, pc}
        end_function \name
        .endm
