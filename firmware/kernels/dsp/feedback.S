/* dassdp_k_feedback: UXTAB16 takes the bias off while it widens; whole rows, for err is padded. */
#include "asm.h"

@ stack: 32
        function dassdp_k_feedback
        push    {r4-r10, lr}
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r5, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        movs    r0, #0
        mla     r1, r2, r5, r1
        add     r2, r1, r5              @ the end of the row
        cmp     r4, #16
        beq     2f
        mov     r5, #0x00010001
        subs    r4, #1
        lsls    r5, r4
        usub16  r12, r0, r5             @ -bias
1:      ldm     r1!, {r8-r9}
        ldm     r3!, {r4-r7}
        uxtab16 r10, r12, r8
        smlad   r0, r10, r4, r0
        uxtab16 r10, r12, r8, ror #8
        smlad   r0, r10, r5, r0
        uxtab16 r10, r12, r9
        smlad   r0, r10, r6, r0
        uxtab16 r10, r12, r9, ror #8
        smlad   r0, r10, r7, r0
        cmp     r1, r2
        bne     1b
        pop     {r4-r10, pc}
2:      ldm     r1!, {r8-r9}
        ldm     r3!, {r4-r5}
        smlad   r0, r8, r4, r0
        smlad   r0, r9, r5, r0
        cmp     r1, r2
        bne     2b
        pop     {r4-r10, pc}
        end_function dassdp_k_feedback
