/* Eight int16 neurons at a time. leak(v) is one vqrdmulh: (2 v leak_q15 + 2^15) >> 16; a leak by a
 * shift, which rounds a half down, is that of -leak_q15, subtracted. The flags of the new spikes sum
 * their bits, 1 to 128, to a byte of the packed spikes. */
#include "mve.h"

    @ v in q0 before, leak(v) less the delayed reset in q1, negative with a shift; q4 (r - s) reset_by
    @ of SUBTRACT_NOW
    .macro leak_v reset, is_shift
    .if \reset == ZERO_DELAYED
    vpt.s16 ge, q0, r5
    veort q0, q0, q0
    .endif
    vqrdmulh.s16 q1, q0, r4
    .if \reset == SUBTRACT_DELAYED
    vpt.s16 ge, q0, r5
    .if \is_shift
    vaddt.i16 q1, q1, r6
    .else
    vsubt.i16 q1, q1, r6
    .endif
    .elseif \reset == SUBTRACT_NOW
    veor q4, q4, q4
    vptt.s16 ge, q0, r5
    .if \is_shift
    vaddt.i16 q1, q1, r6
    .else
    vsubt.i16 q1, q1, r6
    .endif
    vaddt.i16 q4, q4, r6
    .endif
    .endm

    @ spikes of v in q0 to r0, and what they do at once
    .macro fire reset
    .if \reset == SUBTRACT_NOW
    vptt.s16 ge, q0, r5
    vaddvt.u16 r0, q3
    vsubt.i16 q4, q4, r6
    vqadd.s16 q0, q0, q4
    .elseif \reset == ZERO_NOW
    vptt.s16 ge, q0, r5
    vaddvt.u16 r0, q3
    veort q0, q0, q0
    .else
    vpt.s16 ge, q0, r5
    vaddvt.u16 r0, q3
    .endif
    .endm

    @ r0 population, then spikes; r1 v; r2 spk_bits; r3 acc; r4 leak_q15, negative with a shift;
    @ r5 fire_at; r6 reset_by; r7 2^acc_lshift; r12 base; q3 bits
    .macro neuron_pairs name, reset, is_shift=0
    function \name
    push {r4-r7, lr}
    .if \reset == SUBTRACT_NOW
    vpush {d8-d9}
    ldr r12, [sp, #36]
    .else
    ldr r12, [sp, #20]
    .endif
    ldr r4, [r0, #DASSDP_POPULATION_LEAK_Q15]
    ldrh r4, [r4]
    .if \is_shift
    rsbs r4, r4, #0
    .endif
    ldr r5, [r0, #DASSDP_POPULATION_FIRE_AT]
    ldrsh r5, [r5]
    .if \reset == SUBTRACT_DELAYED || \reset == SUBTRACT_NOW
    ldr r6, [r0, #DASSDP_POPULATION_RESET_BY]
    ldrsh r6, [r6]
    .endif
    ldrb lr, [r0, #DASSDP_POPULATION_ACC_LSHIFT]
    movs r7, #1
    lsl r7, r7, lr
    ldrh r0, [r0, #DASSDP_POPULATION_N_NEURONS]
    adds r0, #7
    lsrs r0, #3
    dls lr, r0
    adr r0, 9f
    vldrb.u16 q3, [r0]
1:  vldrh.u16 q0, [r1]
    leak_v \reset, \is_shift
    vldrh.u16 q2, [r12], #16
    vldrh.u16 q0, [r3], #16
    vmla.s16 q2, q0, r7
    .if \is_shift
    vqsub.s16 q0, q2, q1
    .else
    vqadd.s16 q0, q1, q2
    .endif
    fire \reset
    vstrh.16 q0, [r1], #16
    strb r0, [r2], #1
    le lr, 1b
    movs r0, #0
2:  lsls r3, r2, #30
    beq 3f
    strb r0, [r2], #1
    b 2b
3:
    .if \reset == SUBTRACT_NOW
    vpop {d8-d9}
    .endif
    pop {r4-r7, pc}
    .balign 4
9:  .byte 1, 2, 4, 8, 16, 32, 64, 128
    end_function \name
    .endm

    @ void dassdp_k_neuron_pairs_<reset>(population, v_mem, spk_bits, acc, base)
    @ stack: 20
    neuron_pairs dassdp_k_neuron_pairs_none, NONE
    @ stack: 20
    neuron_pairs dassdp_k_neuron_pairs_subtract_delayed, SUBTRACT_DELAYED
    @ stack: 36
    neuron_pairs dassdp_k_neuron_pairs_subtract_now, SUBTRACT_NOW
    @ stack: 20
    neuron_pairs dassdp_k_neuron_pairs_zero_delayed, ZERO_DELAYED
    @ stack: 20
    neuron_pairs dassdp_k_neuron_pairs_zero_now, ZERO_NOW
    @ stack: 20
    neuron_pairs dassdp_k_neuron_pairs_shift_none, NONE, 1
    @ stack: 20
    neuron_pairs dassdp_k_neuron_pairs_shift_subtract_delayed, SUBTRACT_DELAYED, 1
    @ stack: 36
    neuron_pairs dassdp_k_neuron_pairs_shift_subtract_now, SUBTRACT_NOW, 1
    @ stack: 20
    neuron_pairs dassdp_k_neuron_pairs_shift_zero_delayed, ZERO_DELAYED, 1
    @ stack: 20
    neuron_pairs dassdp_k_neuron_pairs_shift_zero_now, ZERO_NOW, 1
