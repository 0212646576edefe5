/* dassdp_k_update_row for ARMv6-M. dw = (k n g + 2^(row_rshift - 1)) >> row_rshift. */
#include "registers_v6m.h"

#define N_SPIKES 36           /* arguments on the stack */
#define LATENCY_POST 40
#define LATENCY_PRE 44

    /* r1 = the sum rounded into dw, next column; Z: it is 0 */
    .macro ROUND
    add r1, r11
    asrs r1, r6
    strh r1, [r2, r4]
    .endm

    .macro ENTRY_OF_LATENCY k
    ldrb r1, [r7, #\k]
    ldrsh r0, [r2, r3]
    cmp r1, r9
    bhs 1f
    rsbs r1, r1, #0
    add r1, r10
1:  ldrb r1, [r5, r1]
    muls r1, r3, r1
    muls r1, r0, r1
    ROUND
    beq .Lvanished_\k
    adds r2, r2, #2
    .endm

    .macro ENTRY_OF_ALL k
    ldrsh r0, [r2, r5]
    movs r1, r3
    muls r1, r0, r1
    ROUND
    beq .Lvanished_\k
    adds r2, r2, #2
    .endm

/* uint32_t dassdp_k_update_row(rule, dw_q8, k, n_columns, n_spikes, latency_post, latency_pre)
 * k lies at r2 + r3 and dw_q8 at r2 + r4. r0 k, r1 latency, g, dw; r3 n_spikes, r5 g_q7 - latency_pre,
 * r6 row_rshift, r7 latency_post, r8 vanished, r9 latency_pre, r10 2 latency_pre, r11 half,
 * r12 end. */
@ stack: 36
    function dassdp_k_update_row
    save_registers
    ldrb r6, [r0, #DASSDP_UPDATE_ROW_RSHIFT]
    ldr r5, [r0, #DASSDP_UPDATE_G_Q7]
    movs r4, #0
    mov r8, r4
    movs r4, #1
    lsls r4, r6
    lsrs r4, r4, #1
    mov r11, r4
    subs r4, r1, r2
    mov r0, r3
    ldr r3, [sp, #N_SPIKES]
    cmp r5, #0
    beq .Lno_latencies
    adds r4, r4, r3
    subs r2, r2, r3
    ldr r7, [sp, #LATENCY_POST]
    adds r0, r0, r7
    mov r12, r0
    ldr r0, [sp, #LATENCY_PRE]
    mov r9, r0
    subs r5, r5, r0
    lsls r0, r0, #1
    mov r10, r0
.Lnext_two:
    ENTRY_OF_LATENCY 0
.Lnext_1:
    ENTRY_OF_LATENCY 1
.Lnext_2:
    adds r7, r7, #2
    cmp r7, r12
    bne .Lnext_two
.Ldone:
    mov r0, r8
    restore_registers

    .macro VANISHED next
    cmp r0, #0
    beq 1f
    movs r0, #1
    add r8, r0
1:  adds r2, r2, #2
    b \next
    .endm
.Lvanished_0:
    VANISHED .Lnext_1
.Lvanished_1:
    VANISHED .Lnext_2

.Lno_latencies:                   /* k lies at r2 + r5, r5 is 0; g is 128 */
    lsls r0, r0, #1
    adds r0, r0, r2
    mov r12, r0
    lsls r3, r3, #7
.Lnext_two_equal:
    ENTRY_OF_ALL 2
.Lnext_3:
    ENTRY_OF_ALL 3
.Lnext_4:
    cmp r2, r12
    bne .Lnext_two_equal
    b .Ldone
.Lvanished_2:
    VANISHED .Lnext_3
.Lvanished_3:
    VANISHED .Lnext_4
    end_function dassdp_k_update_row
