/* dassdp_k_neuron_pairs_<reset> for ARMv6-M: one neuron at a time (M0 has no pairs), 15 instructions
 * where it neither spikes nor spiked nor saturates. v + 32768 as an unsigned number is at least
 * fire_at + 32768 if the neuron spikes or saturates at either end: one compare sends all three out of
 * line. The membrane lies at r2 + r3, whose r3 is the leak, to save a register. */
#include "registers_v6m.h"

#define FIRST_BIT 0           /* the frame */
#define SPK_BITS 4
#define END 8
#define BASE 48

    /* v = leak(v) + input */
    .macro INTEGRATE is_shift
    muls r1, r3, r1
    .if \is_shift              /* which rounds a half down */
    subs r1, r1, #1
    .endif
    asrs r1, r1, #15            /* C is the bit below */
    adcs r1, r0
    .endm

    .macro NEURON name, reset, is_shift, k
    ldrsh r0, [r2, r5]
    lsls r0, r4
    ldrsh r1, [r2, r6]
    adds r0, r0, r1
    ldrsh r1, [r2, r3]
    .if \reset == SUBTRACT_DELAYED || \reset == SUBTRACT_NOW || \reset == ZERO_DELAYED
    cmp r1, r8
    bge .Lspiked_\name\()_\k
    .endif
.Lintegrate_\name\()_\k:
    INTEGRATE \is_shift
    adds r0, r1, r7
    cmp r0, r9
    bhs .Lspikes_\name\()_\k
.Lstore_\name\()_\k:
    strh r1, [r2, r3]
.Lnext_\name\()_\k:
    adds r2, r2, #2
    .endm

    /* What NEURON leaves: it spiked in the step before; it spikes or saturates. */
    .macro RARE name, reset, k
    .if \reset == SUBTRACT_DELAYED
.Lspiked_\name\()_\k:
    add r0, r10
    b .Lintegrate_\name\()_\k
    .elseif \reset == ZERO_DELAYED
.Lspiked_\name\()_\k:
    movs r1, #0
    b .Lintegrate_\name\()_\k
    .elseif \reset == SUBTRACT_NOW
.Lspiked_\name\()_\k:
    bl .Lspiked_now_\name
    bcs .Lmark_\name\()_\k
    b .Lstore_\name\()_\k
    .endif
.Lspikes_\name\()_\k:
    lsrs r0, r0, #16
    bne .Lsaturates_\name\()_\k
.Lreset_\name\()_\k:
    .if \reset == SUBTRACT_NOW
    add r1, r10
    .elseif \reset == ZERO_NOW
    movs r1, #0
    .endif
.Lmark_\name\()_\k:
    strh r1, [r2, r3]
    ldr r1, [sp, #FIRST_BIT]    /* rotated left by (r2 >> 1) + 1 */
    mvns r0, r2
    asrs r0, r0, #1
    rors r1, r0
    add r12, r1
    b .Lnext_\name\()_\k
.Lsaturates_\name\()_\k:
    bl .Lsaturate_\name
    bcs .Lreset_\name\()_\k
    b .Lstore_\name\()_\k
    .endm

    /* r1 = v at an end of int16 from r0 = (v + 32768) >> 16; C: the upper one. */
    .macro SATURATE
    cmp r0, #1
    bne 1f
    subs r1, r7, #1
    bx lr
1:  adds r1, r7, #0             /* 32768 is -32768 in 16 bits */
    bx lr
    .endm

/* void name(population, v_mem, spk_bits, acc, base)
 * r0 input, r1 v, r2 membrane - leak, r3 leak, r4 acc_lshift, r5 acc - r2, r6 base - r2, r7 32768,
 * r8 fire_at, r9 fire_at + 32768, r10 - reset_by, r11 end of these 32 neurons, r12 spikes. */
    .macro NEURON_PAIRS name, reset, is_shift=0
    function dassdp_k_neuron_pairs_\name
    save_registers
    sub sp, #12
    str r2, [sp, #SPK_BITS]
    ldr r4, [r0, #DASSDP_POPULATION_FIRE_AT]
    movs r6, #0
    ldrsh r4, [r4, r6]
    mov r8, r4
    movs r7, #1
    lsls r7, r7, #15
    adds r4, r4, r7
    mov r9, r4
    ldr r5, [r0, #DASSDP_POPULATION_RESET_BY]
    ldrsh r5, [r5, r6]
    rsbs r5, r5, #0
    mov r10, r5
    ldr r2, [r0, #DASSDP_POPULATION_LEAK_Q15]
    ldrb r4, [r0, #DASSDP_POPULATION_ACC_LSHIFT]
    ldrh r0, [r0, #DASSDP_POPULATION_N_NEURONS]
    adds r0, r0, #3             /* whole rounds of four */
    lsrs r0, r0, #2
    lsls r0, r0, #3
    ldr r6, [sp, #BASE]
    subs r5, r3, r1
    subs r6, r6, r1
    ldrh r3, [r2]
    adds r5, r5, r3
    adds r6, r6, r3
    subs r2, r1, r3
    adds r0, r0, r2
    str r0, [sp, #END]
    movs r1, #1
    lsrs r0, r2, #1
    adds r0, r0, #1
    rors r1, r0
    str r1, [sp, #FIRST_BIT]
    ldr r0, [sp, #END]
2:  movs r1, #0
    mov r12, r1
    movs r1, r2
    adds r1, r1, #64
    cmp r1, r0
    bls 3f
    movs r1, r0
3:  mov r11, r1
4:  NEURON \name, \reset, \is_shift, 0
    NEURON \name, \reset, \is_shift, 1
    NEURON \name, \reset, \is_shift, 2
    NEURON \name, \reset, \is_shift, 3
    cmp r2, r11
    bne 4b
    ldr r1, [sp, #SPK_BITS]
    mov r0, r12
    stmia r1!, {r0}
    str r1, [sp, #SPK_BITS]
    ldr r0, [sp, #END]
    cmp r2, r0
    bne 2b
    add sp, #12
    restore_registers
    RARE \name, \reset, 0
    RARE \name, \reset, 1
    RARE \name, \reset, 2
    RARE \name, \reset, 3
.Lsaturate_\name:
    SATURATE
    .if \reset == SUBTRACT_NOW
    /* v with the reset; without it again if the neuron does not go on spiking; C: it does */
.Lspiked_now_\name:
    add r0, r10
    INTEGRATE \is_shift
    subs r0, r7, #1
    cmp r1, r0
    ble 5f
    movs r1, r0
5:  rsbs r0, r7, #0
    cmp r1, r0
    bge 6f
    movs r1, r0
6:  cmp r1, r8
    bge 8f                      /* C is 1: both are positive */
    mov r0, r10
    subs r1, r1, r0
    subs r0, r7, #1
    cmp r1, r0
    ble 7f
    movs r1, r0
7:  adds r1, r1, #0             /* C is 0 */
8:  bx lr
    .endif
    end_function dassdp_k_neuron_pairs_\name
    .endm

@ stack: 48
    NEURON_PAIRS none, NONE
@ stack: 48
    NEURON_PAIRS subtract_delayed, SUBTRACT_DELAYED
@ stack: 48
    NEURON_PAIRS subtract_now, SUBTRACT_NOW
@ stack: 48
    NEURON_PAIRS zero_delayed, ZERO_DELAYED
@ stack: 48
    NEURON_PAIRS zero_now, ZERO_NOW
@ stack: 48
    NEURON_PAIRS shift_none, NONE, 1
@ stack: 48
    NEURON_PAIRS shift_subtract_delayed, SUBTRACT_DELAYED, 1
@ stack: 48
    NEURON_PAIRS shift_subtract_now, SUBTRACT_NOW, 1
@ stack: 48
    NEURON_PAIRS shift_zero_delayed, ZERO_DELAYED, 1
@ stack: 48
    NEURON_PAIRS shift_zero_now, ZERO_NOW, 1
