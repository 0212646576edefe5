/* learn_rows_s8 and learn_rows_s4. Eight columns a round. dw + 2^15 + u has no carry between lanes,
 * its upper byte is the step plus 128; the four steps of a word and its weights add up as one number
 * where no byte saturates, which is tested; a word where one does is written byte by byte. */
#include "asm.h"

row     .req    r0
dw      .req    r1
random  .req    r2
w0      .req    r7
w1      .req    r8
even    .req    r9      /* 0x00FF00FF */
t       .req    r10
list    .req    r11
over    .req    r12     /* bits that no weight has */
dw_end  .req    lr

/* Steps plus 128 of four columns in `step` (dw of bytes 0, 2), sums in `sum` (dw of bytes 1, 3). */
        .macro  add_steps w, step, sum
        eor     random, random, random, lsl #13
        eor     random, random, random, lsr #17
        eor     random, random, random, lsl #5
        eor     \step, \step, #0x80008000
        eor     \sum, \sum, #0x80008000
        and     t, random, #0x00FF00FF
        add     \step, t
        and     t, even, random, lsr #8
        add     \sum, t
        and     \step, even, \step, lsr #8
        and     \sum, \sum, #0xFF00FF00
        orrs    \step, \sum
        add     \sum, \w, \step
        sub     \sum, \sum, #0x80808080
        .endm

/* narrow: weights of 4 to 7 bits; a byte that saturates has a bit that no weight has. Wide: bit 7
 * of a byte that saturates is the same in weight and step, another in the sum. packed: of 4 bits, two
 * to a byte. */
        .macro  learn_rows name, narrow, packed=0
        function dassdp_k_learn_rows_\name
        push    {r4-r11, lr}
        ldr     r5, [sp, #36]           @ rng
        .if     \narrow
        ldrb    r6, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        mov     over, #0xFFFFFFFF
        lsl     over, over, r6
        uxtb    over, over
        orr     over, over, over, lsl #8
        orr     over, over, over, lsl #16
        .endif
        ldr     r6, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        mov     list, r1
        add     r4, r1, r2, lsl #2
        add     dw_end, r3, r6, lsl #1 + \packed
        push    {r3-r5}
        ldr     random, [r5]
        mov     even, #0x00FF00FF
1:      ldr     row, [list], #4
        ldr     dw, [sp]
2:      ldm     dw!, {r3-r6}
        .if     \packed
        ldr     w0, [row]
        lsr     w1, w0, #4
        and     w0, w0, #0x0F0F0F0F
        and     w1, w1, #0x0F0F0F0F
        .else
        ldrd    w0, w1, [row]
        .endif
        add_steps w0, r3, r4
        add_steps w1, r5, r6
        .if     \narrow
        orr     t, r4, r6
        tst     t, over
        .else
        eor     t, w0, r4
        eor     over, w0, r3
        bic     t, t, over
        eor     over, w1, r5
        eor     w0, w1, r6
        bic     w0, w0, over
        orr     t, t, w0
        tst     t, #0x80808080
        .endif
        bne     4f
        .if     \packed
        orr     r4, r4, r6, lsl #4
        str     r4, [row], #4
        .else
        strd    r4, r6, [row], #8
        .endif
3:      cmp     dw, dw_end
        bne     2b
        ldr     t, [sp, #4]
        cmp     list, t
        bne     1b
        pop     {r3-r5}
        str     random, [r5]
        pop     {r4-r11, pc}
4:      movs    r4, #8
        .if     \packed
        movs    r6, #0                  @ bytes of w0 go in at the top, then those of w1 beside them
        .elseif \narrow
        mvn     r6, over
        uxtb    r6, r6
        .else
        ldr     w0, [row]
        .endif
5:      uxtb    t, w0
        uxtb    even, r3
        add     t, even
        sub     t, t, #128
        usat    t, #8, t
        .if     \packed
        cmp     t, #15
        it      hi
        movhi   t, #15
        ror     r6, r6, #8
        orr     r6, r6, t, lsl #24
        .elseif \narrow
        cmp     t, r6
        it      hi
        movhi   t, r6
        .endif
        .if     !\packed
        strb    t, [row], #1
        .endif
        lsrs    w0, w0, #8
        lsrs    r3, r3, #8
        subs    r4, #1
        cmp     r4, #4
        itt     eq
        moveq   w0, w1
        moveq   r3, r5
        .if     \packed
        it      eq
        roreq   r6, r6, #4
        .endif
        cmp     r4, #0
        bne     5b
        .if     \packed
        ror     r6, r6, #28
        str     r6, [row], #4
        .endif
        mov     even, #0x00FF00FF
        b       3b
        end_function dassdp_k_learn_rows_\name
        .endm
