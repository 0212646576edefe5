/* dassdp_k_neuron_lean_<container>_<reset> for ARMv6-M, in three loops: all constants shared, a
 * threshold each, a leak each. What neurons that fire or fired before do lies behind them. C is clear
 * where a step begins: a shift by acc_rshift leaves the bit below there, or nothing. Two loops of leaks
 * by a shift, which round a half down: v - round(v 2^-k) is v + round(~v 2^-k), and of int16
 * round((v leak_q15 - 1) 2^-15). */
#include "registers_v6m.h"

#define SPK_BITS 0            /* the frame */
#define LAST 4                /* end of all neurons */
#define TAIL 8                /* bits of the last word that have no neurons */
#define SCALE 12              /* 2^acc_lshift, int32 sums */
#define FRAME 16
#define BASE (FRAME + 36)

#define SHARED 0              /* the loops */
#define FIRE_EACH 1
#define LEAK_EACH 2

/* r0 input, r1 v, r2 membranes, r3 leak_q15 or leak_shift, r4 shift, r5 sums, r6 base, r7 scratch,
 * r8 fire_at, r10 -reset_by, r11 end of the neurons of a word, r12 their spikes.
 * int16 membranes lie at r2 + r3 (r3 is 0 where leaks are at r2 + r9), int16 sums at r2 + r5, base at
 * r2 + r6. Of a threshold each, fire_at lies at r2 + r8; reset_by at r2 + r9 beside int16 membranes,
 * else at r2 + r10; a step keeps its own in r7, or r9. Beside int32 membranes leaks lie at r9. */

    .macro AGAINST v_bits, loop, value
    .if \loop != FIRE_EACH
    cmp \value, r8
    .elseif \v_bits == 16
    cmp \value, r7
    .else
    cmp \value, r9
    .endif
    .endm

    /* r0 -= reset_by; v stays. */
    .macro INPUT_LESS_RESET v_bits, loop
    .if \loop != FIRE_EACH
    add r0, r10
    .elseif \v_bits == 16
    mov r10, r1
    mov r1, r9
    ldrsh r1, [r2, r1]
    subs r0, r0, r1
    mov r1, r10
    .else
    mov r7, r10
    ldr r7, [r2, r7]
    subs r0, r0, r7
    .endif
    .endm

    /* r1 -= reset_by, or r1 += reset_by; r0 is lost. */
    .macro RESET v_bits, loop, is_back
    .if \loop == FIRE_EACH
    .if \v_bits == 16
    mov r0, r9
    ldrsh r0, [r2, r0]
    .else
    mov r0, r10
    ldr r0, [r2, r0]
    .endif
    .if \is_back
    adds r1, r1, r0
    .else
    subs r1, r1, r0
    .endif
    .elseif \is_back
    mov r0, r10
    subs r1, r1, r0
    .else
    add r1, r10
    .endif
    .endm

    /* v = leak(v) + input, before it saturates */
    .macro INTEGRATE v_bits, loop
    .if \v_bits == 16
    .if \loop == LEAK_EACH
    mov r7, r9
    ldrh r7, [r2, r7]
    muls r1, r7, r1
    .else
    muls r1, r3, r1
    .endif
    .if is_shift
    subs r1, r1, #1
    .endif
    asrs r1, r1, #15            /* C is the bit below */
    adcs r1, r0
    .elseif is_shift
    mvns r7, r1
    asrs r7, r3
    adcs r1, r7
    adds r1, r1, r0
    .else
    .if \loop == LEAK_EACH
    mov r7, r9
    ldrh r3, [r7]
    adds r7, r7, #2
    mov r9, r7
    .endif
    asrs r7, r1, #15            /* high 2^15 + low */
    muls r7, r3, r7
    lsls r1, r1, #17
    lsrs r1, r1, #17
    muls r1, r3, r1
    lsrs r1, r1, #15
    adcs r1, r7
    adds r1, r1, r0
    .endif
    .endm

    .macro STEP name, kind, v_bits, a_bits, loop, k
    .if \a_bits == 32
    ldmia r5!, {r0}
    ldr r1, [sp, #SCALE]
    muls r0, r1, r0
    asrs r0, r4
    .elseif \v_bits == 16
    ldrsh r0, [r2, r5]
    lsls r0, r4
    .else
    movs r7, #0
    ldrsh r0, [r5, r7]
    adds r5, r5, #2
    lsls r0, r4
    .endif
    .if \v_bits == 16
    ldrsh r1, [r2, r6]
    .else
    ldmia r6!, {r1}
    .endif
    .if \a_bits == 32
    adcs r0, r1
    .else
    adds r0, r0, r1
    .endif
    .if \v_bits == 16
    ldrsh r1, [r2, r3]
    .else
    ldr r1, [r2]
    .endif
    .if \loop == FIRE_EACH
    mov r7, r8
    .if \v_bits == 16
    ldrsh r7, [r2, r7]
    .else
    ldr r7, [r2, r7]
    mov r9, r7
    .endif
    .endif
    .if \kind != NONE && \kind != ZERO_NOW
    AGAINST \v_bits, \loop, r1
    bge .Lfired_\name\()_\loop\()_\k
    .endif
.Lgoes_on_\name\()_\loop\()_\k:
    INTEGRATE \v_bits, \loop
    AGAINST \v_bits, \loop, r1
    bge .Lfires_\name\()_\loop\()_\k
    .if \v_bits == 16
    sxth r0, r1
    cmp r0, r1
    bne .Llow_\name\()_\loop\()_\k
    .endif
.Lstore_\name\()_\loop\()_\k:
    .if \v_bits == 16
    strh r1, [r2, r3]
    adds r2, r2, #2
    .else
    str r1, [r2]
    adds r2, r2, #4
    .endif
    .endm

    .macro RARE name, kind, v_bits, a_bits, loop, k
    .if \v_bits == 16
.Llow_\name\()_\loop\()_\k:
    bl .Lclamp_\name
    b .Lstore_\name\()_\loop\()_\k
    .endif
    .if \kind == ZERO_DELAYED
.Lfired_\name\()_\loop\()_\k:
    movs r1, #0
    b .Lgoes_on_\name\()_\loop\()_\k
    .elseif \kind == SUBTRACT_DELAYED
.Lfired_\name\()_\loop\()_\k:
    INPUT_LESS_RESET \v_bits, \loop
    b .Lgoes_on_\name\()_\loop\()_\k
    .elseif \kind == SUBTRACT_NOW
.Lfired_\name\()_\loop\()_\k:
    INPUT_LESS_RESET \v_bits, \loop
    INTEGRATE \v_bits, \loop
    .if \v_bits == 16
    bl .Lclamp_\name
    .endif
    AGAINST \v_bits, \loop, r1
    bge .Lmark_\name\()_\loop\()_\k
    RESET \v_bits, \loop, 1     /* it is silent again */
    .if \v_bits == 16
    b .Llow_\name\()_\loop\()_\k
    .else
    b .Lstore_\name\()_\loop\()_\k
    .endif
    .endif
.Lfires_\name\()_\loop\()_\k:
    .if \kind == ZERO_NOW
    movs r1, #0
    .else
    .if \v_bits == 16
    bl .Lclamp_\name
    .endif
    .if \kind == SUBTRACT_NOW
    RESET \v_bits, \loop, 0
    .endif
    .endif
.Lmark_\name\()_\loop\()_\k:
    mov r0, r11
    subs r0, r0, r2
    .if \v_bits == 16
    lsrs r0, r0, #1
    .else
    lsrs r0, r0, #2
    .endif
    movs r7, #1
    rors r7, r0
    add r12, r7
    b .Lstore_\name\()_\loop\()_\k
    .endm

    .macro WORDS name, kind, v_bits, a_bits, loop
1:  ldr r0, [sp, #LAST]
    movs r1, r2
    adds r1, r1, #4 * \v_bits
    cmp r1, r0
    bls 3f
    movs r1, r0
3:  mov r11, r1
    movs r0, #0
    mov r12, r0
    cmp r2, r11
2:  STEP \name, \kind, \v_bits, \a_bits, \loop, 0
    STEP \name, \kind, \v_bits, \a_bits, \loop, 1
    cmp r2, r11
    bne 2b
    movs r1, #0
    ldr r0, [sp, #LAST]
    cmp r2, r0
    bne 4f
    ldr r1, [sp, #TAIL]
4:  mov r0, r12
    lsrs r0, r1
    ldr r1, [sp, #SPK_BITS]
    stmia r1!, {r0}
    str r1, [sp, #SPK_BITS]
    ldr r0, [sp, #LAST]
    cmp r2, r0
    bne 1b
    add sp, #FRAME
    restore_registers
    .endm

    .macro NEURON_LEAN name, kind, v_bits, a_bits, shifts=0
    .set is_shift, \shifts
    function dassdp_k_neuron_lean_\name
    save_registers
    sub sp, #FRAME
    str r2, [sp, #SPK_BITS]
    ldrh r4, [r0, #DASSDP_POPULATION_N_NEURONS]
    adds r4, r4, #1             /* whole rounds of two */
    lsrs r4, r4, #1
    lsls r4, r4, #1
    rsbs r5, r4, #0
    movs r6, #31
    ands r5, r6
    str r5, [sp, #TAIL]
    .if \v_bits == 16
    lsls r4, r4, #1
    .else
    lsls r4, r4, #2
    .endif
    adds r4, r4, r1
    .if \v_bits == 32 && is_shift
    ldrb r7, [r0, #DASSDP_POPULATION_LEAK_SHIFT]
    .else
    movs r7, #0
    ldr r6, [r0, #DASSDP_POPULATION_LEAK_Q15]
    .if is_shift == 0
    ldrb r2, [r0, #DASSDP_POPULATION_LEAK_STRIDE]
    cmp r2, #0
    bne 5f
    .endif
    ldrh r7, [r6]
    .endif
5:  .if \v_bits == 16
    subs r2, r1, r7
    subs r4, r4, r7
    subs r6, r6, r2
    .else
    movs r2, r1
    .endif
    str r4, [sp, #LAST]
    mov r9, r6
    movs r5, r3
    ldr r6, [sp, #BASE]
    .if \v_bits == 16
    subs r6, r6, r2
    .if \a_bits == 16
    subs r5, r5, r2
    .endif
    .endif
    movs r3, r7
    .if \a_bits == 32
    ldrb r4, [r0, #DASSDP_POPULATION_ACC_LSHIFT]
    movs r7, #1
    lsls r7, r4
    str r7, [sp, #SCALE]
    .endif
    ldr r7, [r0, #DASSDP_POPULATION_FIRE_AT]
    ldr r4, [r0, #DASSDP_POPULATION_RESET_BY]
    ldrb r1, [r0, #DASSDP_POPULATION_FIRE_STRIDE]
    cmp r1, #0
    bne 6f
    .if \v_bits == 16
    ldrsh r7, [r7, r1]
    ldrsh r4, [r4, r1]
    .else
    ldr r7, [r7]
    ldr r4, [r4]
    .endif
    rsbs r4, r4, #0
    mov r10, r4
    b 7f
6:  subs r7, r7, r2
    subs r4, r4, r2
    .if \v_bits == 16
    mov r9, r4
    .else
    mov r10, r4
    .endif
7:  mov r8, r7
    .if \a_bits == 16
    ldrb r4, [r0, #DASSDP_POPULATION_ACC_LSHIFT]
    .else
    ldrb r4, [r0, #DASSDP_POPULATION_ACC_RSHIFT]
    .endif
    cmp r1, #0
    beq 8f
    bl .Lfire_each_\name        /* too far for b; nothing returns there */
8:
    .if is_shift == 0
    ldrb r0, [r0, #DASSDP_POPULATION_LEAK_STRIDE]
    cmp r0, #0
    beq 9f
    bl .Lleak_each_\name
9:
    .endif
    WORDS \name, \kind, \v_bits, \a_bits, SHARED
    RARE \name, \kind, \v_bits, \a_bits, SHARED, 0
    RARE \name, \kind, \v_bits, \a_bits, SHARED, 1
    .if \v_bits == 16
    /* r1, or the nearest int16; r0 is lost. */
.Lclamp_\name:
    sxth r0, r1
    cmp r0, r1
    beq 1f
    asrs r1, r1, #31
    movs r0, #1
    lsls r0, r0, #15
    subs r0, r0, #1
    eors r1, r0
1:  bx lr
    .endif
.Lfire_each_\name:
    WORDS \name, \kind, \v_bits, \a_bits, FIRE_EACH
    RARE \name, \kind, \v_bits, \a_bits, FIRE_EACH, 0
    RARE \name, \kind, \v_bits, \a_bits, FIRE_EACH, 1
    .if is_shift == 0
.Lleak_each_\name:
    WORDS \name, \kind, \v_bits, \a_bits, LEAK_EACH
    RARE \name, \kind, \v_bits, \a_bits, LEAK_EACH, 0
    RARE \name, \kind, \v_bits, \a_bits, LEAK_EACH, 1
    .endif
    end_function dassdp_k_neuron_lean_\name
    .endm

@ stack: 52
    NEURON_LEAN v16_a16_none, NONE, 16, 16
@ stack: 52
    NEURON_LEAN v16_a16_subtract_delayed, SUBTRACT_DELAYED, 16, 16
@ stack: 52
    NEURON_LEAN v16_a16_subtract_now, SUBTRACT_NOW, 16, 16
@ stack: 52
    NEURON_LEAN v16_a16_zero_delayed, ZERO_DELAYED, 16, 16
@ stack: 52
    NEURON_LEAN v16_a16_zero_now, ZERO_NOW, 16, 16
@ stack: 52
    NEURON_LEAN v16_a32_none, NONE, 16, 32
@ stack: 52
    NEURON_LEAN v16_a32_subtract_delayed, SUBTRACT_DELAYED, 16, 32
@ stack: 52
    NEURON_LEAN v16_a32_subtract_now, SUBTRACT_NOW, 16, 32
@ stack: 52
    NEURON_LEAN v16_a32_zero_delayed, ZERO_DELAYED, 16, 32
@ stack: 52
    NEURON_LEAN v16_a32_zero_now, ZERO_NOW, 16, 32
@ stack: 52
    NEURON_LEAN v32_a16_none, NONE, 32, 16
@ stack: 52
    NEURON_LEAN v32_a16_subtract_delayed, SUBTRACT_DELAYED, 32, 16
@ stack: 52
    NEURON_LEAN v32_a16_subtract_now, SUBTRACT_NOW, 32, 16
@ stack: 52
    NEURON_LEAN v32_a16_zero_delayed, ZERO_DELAYED, 32, 16
@ stack: 52
    NEURON_LEAN v32_a16_zero_now, ZERO_NOW, 32, 16
@ stack: 52
    NEURON_LEAN v32_a32_none, NONE, 32, 32
@ stack: 52
    NEURON_LEAN v32_a32_subtract_delayed, SUBTRACT_DELAYED, 32, 32
@ stack: 52
    NEURON_LEAN v32_a32_subtract_now, SUBTRACT_NOW, 32, 32
@ stack: 52
    NEURON_LEAN v32_a32_zero_delayed, ZERO_DELAYED, 32, 32
@ stack: 52
    NEURON_LEAN v32_a32_zero_now, ZERO_NOW, 32, 32
@ stack: 52
    NEURON_LEAN shift_v16_a16_none, NONE, 16, 16, 1
@ stack: 52
    NEURON_LEAN shift_v16_a16_subtract_delayed, SUBTRACT_DELAYED, 16, 16, 1
@ stack: 52
    NEURON_LEAN shift_v16_a16_subtract_now, SUBTRACT_NOW, 16, 16, 1
@ stack: 52
    NEURON_LEAN shift_v16_a16_zero_delayed, ZERO_DELAYED, 16, 16, 1
@ stack: 52
    NEURON_LEAN shift_v16_a16_zero_now, ZERO_NOW, 16, 16, 1
@ stack: 52
    NEURON_LEAN shift_v16_a32_none, NONE, 16, 32, 1
@ stack: 52
    NEURON_LEAN shift_v16_a32_subtract_delayed, SUBTRACT_DELAYED, 16, 32, 1
@ stack: 52
    NEURON_LEAN shift_v16_a32_subtract_now, SUBTRACT_NOW, 16, 32, 1
@ stack: 52
    NEURON_LEAN shift_v16_a32_zero_delayed, ZERO_DELAYED, 16, 32, 1
@ stack: 52
    NEURON_LEAN shift_v16_a32_zero_now, ZERO_NOW, 16, 32, 1
@ stack: 52
    NEURON_LEAN shift_v32_a16_none, NONE, 32, 16, 1
@ stack: 52
    NEURON_LEAN shift_v32_a16_subtract_delayed, SUBTRACT_DELAYED, 32, 16, 1
@ stack: 52
    NEURON_LEAN shift_v32_a16_subtract_now, SUBTRACT_NOW, 32, 16, 1
@ stack: 52
    NEURON_LEAN shift_v32_a16_zero_delayed, ZERO_DELAYED, 32, 16, 1
@ stack: 52
    NEURON_LEAN shift_v32_a16_zero_now, ZERO_NOW, 32, 16, 1
@ stack: 52
    NEURON_LEAN shift_v32_a32_none, NONE, 32, 32, 1
@ stack: 52
    NEURON_LEAN shift_v32_a32_subtract_delayed, SUBTRACT_DELAYED, 32, 32, 1
@ stack: 52
    NEURON_LEAN shift_v32_a32_subtract_now, SUBTRACT_NOW, 32, 32, 1
@ stack: 52
    NEURON_LEAN shift_v32_a32_zero_delayed, ZERO_DELAYED, 32, 32, 1
@ stack: 52
    NEURON_LEAN shift_v32_a32_zero_now, ZERO_NOW, 32, 32, 1
