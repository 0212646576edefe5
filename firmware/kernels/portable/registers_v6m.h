/* For assembly only: ARMv6-M pushes no high register by itself, and what any core executes does as it:
 * 36 bytes in all. */
#include "asm.h"

    .macro save_registers
    push {r4-r7, lr}
    save_high_registers
    .endm

    .macro save_high_registers
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    .endm

    .macro restore_registers
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .endm
