/* dassdp_k_fill for ARMv6-M: 16 words a round, then four. */
#include "asm.h"

@ stack: 12
    function dassdp_k_fill
    push {r4, r5, lr}
    mov r3, r2
    mov r4, r2
    mov r5, r2
    subs r1, #16
    bmi 2f
1:  stmia r0!, {r2-r5}
    stmia r0!, {r2-r5}
    stmia r0!, {r2-r5}
    stmia r0!, {r2-r5}
    subs r1, #16
    bpl 1b
2:  adds r1, #16
    beq 4f
3:  stmia r0!, {r2-r5}
    subs r1, #4
    bne 3b
4:  pop {r4, r5, pc}
    end_function dassdp_k_fill
