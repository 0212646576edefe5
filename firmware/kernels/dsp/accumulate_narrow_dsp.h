/* What the kernels for rows of 6 and of 7 bits have in common. */
#include "asm.h"

#define COLUMNS 0 /* the frame of the narrow ones */
#define ACC 4
#define LIST 8
#define END 12
#define FRAME 16
#define SAVED 36

/* Even bytes of four columns to the lanes n0, n1, odd ones to n2, n3. */
        .macro  widen even, odd, w
        uxtab16 \even, \even, \w
        uxtab16 \odd, \odd, \w, ror #8
        .endm

/* The bias of all rows and the first ones of the list, n_rows % 4 or, where there are fewer than
 * `few`, all, go through the kernel for 8 bits; the rest stays in LIST to END. */
        .macro  begin_narrow few
        push    {r4-r11, lr}
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldr     r5, [sp, #SAVED]
        subs    r4, #1
        lsl     r4, r3, r4
        add     r8, r2, r3, lsl #2
        .if     \few
        cmp     r3, #\few
        it      hs
        andhs   r3, r3, #3
        .else
        and     r3, r3, #3
        .endif
        add     r7, r2, r3, lsl #2
        push    {r0, r1, r7, r8}
        bl      dassdp_k_accumulate_rows
        .endm
