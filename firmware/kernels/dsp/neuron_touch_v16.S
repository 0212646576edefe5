/* Two membranes at a time: the distance to reset_by, which saturates, and width - 1 above it is compared with
 * 2 width - 2. Bits of even neurons gather in the lower half of r3, of odd ones in the upper; they are
 * shuffled once a word is full. */
#define SHARED

#include "asm.h"

        .macro  touch_two v
        qsub16  \v, \v, r0
        uadd16  \v, \v, r1
        usub16  \v, r2, \v              @ GE: touches
        sel     \v, r8, r9
        orr     r3, \v, r3, lsr #1
        .endm

        .macro  shuffle shift, mask
        eor     r4, r3, r3, lsr #\shift
        and     r4, r4, #\mask
        eor     r3, r3, r4
        eor     r3, r3, r4, lsl #\shift
        .endm

@ r0 reset_by twice, r1 width - 1, r2 2 width - 2; r7 neurons of this word, r10 left, r11 where it goes, r12 v
        .macro  touch_shared
        ldrh    r0, [r1]
        ldrh    r1, [r2]
        lsls    r2, r1, #1
        subs    r2, #2
        subs    r1, #1
        pkhbt   r0, r0, r0, lsl #16
        pkhbt   r1, r1, r1, lsl #16
        pkhbt   r2, r2, r2, lsl #16
        mov     r8, #0x80008000
        mov     r9, #0
1:      mov     r7, r10
        cmp     r7, #32
        it      hi
        movhi   r7, #32
        sub     r10, r10, r7
        push    {r7}
        movs    r3, #0
2:      ldm     r12!, {r4-r6, lr}
        touch_two r4
        touch_two r5
        touch_two r6
        touch_two lr
        subs    r7, #8
        bgt     2b
        pop     {r7}
        adds    r4, r7, #7              @ bits begin at the top of each half
        lsrs    r4, #3
        lsls    r4, #2
        rsb     r4, r4, #16
        lsrs    r3, r4
        shuffle 8, 0x0000FF00
        shuffle 4, 0x00F000F0
        shuffle 2, 0x0C0C0C0C
        shuffle 1, 0x22222222
        rsb     r4, r7, #32             @ no bits of padding
        lsls    r3, r4
        lsrs    r3, r4
        str     r3, [r11], #4
        cmp     r10, #0
        bne     1b
        .endm

@ stack: 40
#include "neuron_touch_thumb.h"
