/* dassdp_k_fill: 16 words a round behind a rest of four and one of eight. */
#include "asm.h"

@ stack: 24
        function dassdp_k_fill
        push    {r4-r8, lr}
        .irp    copy, r3, r4, r5, r6, r7, r8, r12
        mov     \copy, r2
        .endr
        lsls    lr, r1, #29             @ carry: a rest of eight; minus: one of four
        it      mi
        stmmi   r0!, {r2-r5}
        it      cs
        stmcs   r0!, {r2-r8, r12}
        lsrs    r1, r1, #4
        beq     2f
1:      stm     r0!, {r2-r8, r12}
        stm     r0!, {r2-r8, r12}
        subs    r1, #1
        bne     1b
2:      pop     {r4-r8, pc}
        end_function dassdp_k_fill
