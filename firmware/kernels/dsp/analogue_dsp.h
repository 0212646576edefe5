#include "asm.h"

/* r7 = sum of the r5 inputs x at r2, four a round; r6 and r9-r12 are lost. */
        .macro  sum_inputs
        mov     r6, #0x00010001
        movs    r7, #0                  @ sum of x
        mov     r9, r2
        subs    r10, r5, #4
        blt     2f
1:      ldr     r11, [r9], #4
        sxtb16  r12, r11
        sxtb16  r11, r11, ror #8
        smlad   r7, r12, r6, r7
        smlad   r7, r11, r6, r7
        subs    r10, #4
        bge     1b
2:      adds    r10, #4
        beq     4f
3:      ldrsb   r11, [r9], #1
        add     r7, r11
        subs    r10, #1
        bne     3b
4:
        .endm
