/* Rows of updates: dw = (k x + half) >> rshift in two int16 lanes, and how many vanish. */
#include "asm.h"

/* Two columns of k from k_at and of x in a register; y is overwritten. UQADD16 with top = 2^16 - 2 in
 * both lanes makes 2^16 - 1 of a lane that is not zero and 2^16 - 2 of one that is, so that USADA8
 * counts the lanes of k and dw that differ in that. */
        .macro  update
        ldr     k, [k_at], #4
        smlabb  y, k, x, half
        smlatt  x, k, x, half
        asr     y, y, rshift
        asr     x, x, rshift
        pkhbt   x, y, x, lsl #16
        str     x, [dw], #4
        uqadd16 x, x, top
        uqadd16 k, k, top
        usada8  count, x, k, count
        .endm
