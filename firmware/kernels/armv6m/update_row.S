/* dassdp_k_update_row for ARMv6-M: dw = k g n 2^(16 - row_rshift) rounded >> 16, four columns a round;
 * entries that are zero leave the round to be counted. */
#include "registers_v6m.h"

#define N_SPIKES 36           /* arguments on the stack */
#define LATENCY_POST 40
#define G_Q7 44

    /* r1 rounded into the entry \k of dw; \number names labels */
    .macro ROUND k, number
    add r1, r11
    asrs r1, r1, #16
    strh r1, [r4, #2 * \k]
    beq .Lzero_\number
.Lcounted_\number:
    .endm

    /* The next k; the last one of two words is r0 itself */
    .macro TIMED k, number
    .if (\k & 1) == 0
    ldmia r2!, {r0}
    .endif
    ldrb r1, [r7, #\k]
    ldrb r1, [r5, r1]
    muls r1, r3, r1
    .if (\k & 1) == 0
    sxth r6, r0
    muls r1, r6, r1
    .else
    asrs r0, r0, #16
    muls r1, r0, r1
    .endif
    ROUND \k, \number
    .endm

    .macro UNTIMED k, number
    .if (\k & 1) == 0
    ldmia r2!, {r0}
    sxth r1, r0
    .else
    asrs r1, r0, #16
    .endif
    muls r1, r3, r1
    ROUND \k, \number
    .endm

    .macro ZERO number
.Lzero_\number:
    add r8, r9
    b .Lcounted_\number
    .endm

/* r0 two k, r1 g, dw, r2 k, r3 n_spikes 2^(16 - row_rshift), r4 dw_q8, r5 g_q7, r6 k, r7 latency_post,
 * r8 entries that are not zero, r9 -1, r11 half, r12 end. */
@ stack: 36
    function dassdp_k_update_row
    save_registers
    mov r8, r3
    movs r4, r1
    lsls r3, r3, #1
    adds r3, r3, r4
    mov r12, r3
    ldr r3, [sp, #N_SPIKES]
    movs r1, #16
    subs r1, r1, r0
    lsls r3, r1
    movs r0, #1
    lsls r1, r0, #15
    mov r11, r1
    rsbs r0, r0, #0
    mov r9, r0
    ldr r7, [sp, #LATENCY_POST]
    ldr r5, [sp, #G_Q7]
    cmp r5, #0
    beq .Luntimed
.Lnext_four_timed:
    TIMED 0, 0
    TIMED 1, 1
    TIMED 2, 2
    TIMED 3, 3
    adds r7, r7, #4
    adds r4, r4, #8
    cmp r4, r12
    bne .Lnext_four_timed
.Ldone:
    mov r0, r8
    restore_registers

.Luntimed:
    lsls r3, r3, #7
.Lnext_four:
    UNTIMED 0, 4
    UNTIMED 1, 5
    UNTIMED 2, 6
    UNTIMED 3, 7
    adds r4, r4, #8
    cmp r4, r12
    bne .Lnext_four
    b .Ldone
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    ZERO \number
    .endr
    end_function dassdp_k_update_row
