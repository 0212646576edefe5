/* dassdp_k_neuron_pairs_<reset>: eight neurons a round, two a word, the highest first so that their
 * spikes shift into a byte. In int16 lanes
 *   v = sat(leak(v) - r reset_by + in), in = (acc << acc_lshift) + base;
 * leak(v) - r reset_by and in fit, so that one saturating addition is the saturation of the sum.
 * SSUB16 leaves in GE which lanes are below fire_at; QSUB16 and USAT16 change no GE. */
#include "asm.h"
#if DASSDP_POPULATION_RESET_BY != DASSDP_POPULATION_LEAK_Q15 + 8 \
    || DASSDP_POPULATION_FIRE_AT != DASSDP_POPULATION_LEAK_Q15 + 4
#error "one LDM loads leak_q15, fire_at and reset_by"
#endif

v_at    .req    r1
spk_at  .req    r2
acc_at  .req    r3
base_at .req    r0
v_a     .req    r4
v_b     .req    r5
in_a    .req    r6
in_b    .req    r7
spikes  .req    r8
below   .req    r9      /* fire_at - 1 in both lanes */
reset   .req    r10     /* reset_by in both lanes; 0 where a reset is to zero */
leak    .req    r11     /* leak_q15, and from bit 16 how many rounds follow */
half    .req    r12     /* 2^14, or one less: leak_q15 2^-15 rounds as a leak by a shift does */
shift   .req    lr      /* acc_lshift < 2^acc_lshift, and from bit 16 what it shifts across lanes */

/* v = sat(leak(v) - r reset_by + in). t is lost; for SUBTRACT_NOW it becomes r reset_by. */
        .macro  integrate kind, v, in, t
        .if     \kind != NONE && \kind != ZERO_NOW
        ssub16  \t, below, \v
        .endif
        .if     \kind == ZERO_DELAYED
        sel     \v, \v, reset
        .endif
        smlatb  \t, \v, leak, half
        smlabb  \v, \v, leak, half
        lsl     \t, \t, #1
        pkhtb   \v, \t, \v, asr #15
        .if     \kind == SUBTRACT_DELAYED || \kind == SUBTRACT_NOW
        qsub16  \t, \v, reset
        sel     \t, \v, \t
        .endif
        .if     \kind == SUBTRACT_DELAYED
        qadd16  \v, \t, \in
        .elseif \kind == SUBTRACT_NOW
        ssub16  \v, \v, \t            @ r reset_by
        qadd16  \in, \t, \in
        mov     \t, \v
        mov     \v, \in
        .else
        qadd16  \v, \v, \in
        .endif
        .endm

/* Spikes of v, below those of the neurons above; then what they reset now. in is lost. */
        .macro  fire kind, v, in, t, is_first
        qsub16  \in, \v, below
        .if     \is_first && \kind != SUBTRACT_NOW
        usat16  spikes, #1, \in
        .else
        usat16  \in, #1, \in
        .endif
        .if     \kind == SUBTRACT_NOW
        uxth    half, reset
        mul     half, \in, half
        ssub16  half, half, \t
        qsub16  \v, \v, half            @ v - (s - r) reset_by
        mov     half, #rounding
        .endif
        .if     \kind == ZERO_NOW
        .if     \is_first
        ssub16  \in, below, \v
        .else
        ssub16  \t, below, \v
        .endif
        sel     \v, \v, reset
        .endif
        .if     \is_first && \kind == SUBTRACT_NOW
        mov     spikes, \in
        .elseif \is_first == 0
        orr     spikes, \in, spikes, lsl #2
        .endif
        .endm

/* Two words of in. */
        .macro  currents
        lsl     in_a, in_a, shift
        lsl     in_b, in_b, shift
        bic     in_a, in_a, shift
        bic     in_b, in_b, shift
        sadd16  in_a, in_a, v_a
        sadd16  in_b, in_b, v_b
        .endm

        .macro  neuron_pairs name, kind, is_shift=0
        .set    rounding, 0x4000 - \is_shift
        function dassdp_k_neuron_pairs_\name
        push    {r4-r11, lr}
        ldrh    r4, [r0, #DASSDP_POPULATION_N_NEURONS]
        ldrb    r5, [r0, #DASSDP_POPULATION_ACC_LSHIFT]
        adds    r0, #DASSDP_POPULATION_LEAK_Q15
        ldm     r0, {r6-r8}
        ldr     base_at, [sp, #36]
        ldrh    leak, [r6]
        ldrh    r7, [r7]
        subs    r7, #1
        pkhbt   below, r7, r7, lsl #16
        .if     \kind == SUBTRACT_DELAYED || \kind == SUBTRACT_NOW
        ldrh    r8, [r8]
        pkhbt   reset, r8, r8, lsl #16
        .else
        mov     reset, #0
        .endif
        mov     half, #0x4000
        lsl     r6, half, r5
        sub     r6, half
        orr     shift, r5, r6, lsl #2
        .if     \is_shift
        mov     half, #rounding
        .endif
        subs    r4, #1
        pkhbt   leak, leak, r4, lsl #13
        lsrs    r5, r4, #5
        mov     spikes, #0              @ bytes of the last word may have no neurons
        str     spikes, [spk_at, r5, lsl #2]
        cmp     r4, #4                  @ up to four neurons: padding does not fire
        blo     2f
1:      ldrd    in_a, in_b, [acc_at, #8]
        ldrd    v_a, v_b, [base_at, #8]
        currents
        ldrd    v_a, v_b, [v_at, #8]
        integrate \kind, v_b, in_b, spikes
        fire    \kind, v_b, in_b, spikes, 1
        integrate \kind, v_a, in_a, in_b
        fire    \kind, v_a, in_a, in_b, 0
        strd    v_a, v_b, [v_at, #8]
2:      ldrd    in_a, in_b, [acc_at], #16
        ldrd    v_a, v_b, [base_at], #16
        currents
        ldr     v_b, [v_at, #4]
        integrate \kind, v_b, in_b, v_a
        fire    \kind, v_b, in_b, v_a, 0
        ldr     v_a, [v_at]
        integrate \kind, v_a, in_a, in_b
        fire    \kind, v_a, in_a, in_b, 0
        strd    v_a, v_b, [v_at], #16
        orr     spikes, spikes, spikes, lsr #15
        strb    spikes, [spk_at], #1
        subs    leak, leak, #0x10000
        bcs     1b
        pop     {r4-r11, pc}
        end_function dassdp_k_neuron_pairs_\name
        .endm

@ stack: 36
        neuron_pairs none, NONE
@ stack: 36
        neuron_pairs subtract_delayed, SUBTRACT_DELAYED
@ stack: 36
        neuron_pairs subtract_now, SUBTRACT_NOW
@ stack: 36
        neuron_pairs zero_delayed, ZERO_DELAYED
@ stack: 36
        neuron_pairs zero_now, ZERO_NOW
@ stack: 36
        neuron_pairs shift_none, NONE, 1
@ stack: 36
        neuron_pairs shift_subtract_delayed, SUBTRACT_DELAYED, 1
@ stack: 36
        neuron_pairs shift_subtract_now, SUBTRACT_NOW, 1
@ stack: 36
        neuron_pairs shift_zero_delayed, ZERO_DELAYED, 1
@ stack: 36
        neuron_pairs shift_zero_now, ZERO_NOW, 1
