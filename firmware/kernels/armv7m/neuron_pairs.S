/* dassdp_k_neuron_pairs_<reset>: eight neurons a round, a byte of spikes. One saturating shift ends
 * the whole sum
 *   v = sat16((v leak_q15 + 2^14 + base 2^15 + acc 2^(acc_lshift + 15) - r reset_by 2^15) >> 15),
 * which fits int32: v leak_q15 is not negative where r is 1, and all else is below 2^15 2^15. */
#include "asm.h"
#if DASSDP_POPULATION_FIRE_AT != DASSDP_POPULATION_LEAK_Q15 + 4
#error "one LDRD loads leak_q15 and fire_at"
#endif

v_at    .req    r1
spk_at  .req    r2
acc_at  .req    r3
base_at .req    r0
v       .req    r4
t0      .req    r5
t1      .req    r6
spikes  .req    r7
fires   .req    r8      /* fire_at in both lanes */
reset   .req    r9      /* reset_by 2^15 */
leak    .req    r10
scale   .req    r11     /* 2^(acc_lshift + 15) */
half    .req    r12     /* 2^14, or one less: leak_q15 2^-15 rounds as a leak by a shift does */
end     .req    lr      /* of v */

/* Neurons that fired before are few, so their reset lies behind the loop. */
        .macro  leak_v name, kind, t, bit
        .if     \kind != NONE && \kind != ZERO_NOW
        cmp     v, fires, asr #16
        .endif
        .if     \kind == SUBTRACT_DELAYED || \kind == ZERO_DELAYED
        bge     .Lfired_\name\()_\bit
.Lreset_\name\()_\bit:
        .endif
        mla     \t, v, leak, \t
        .endm

        .macro  fired name, kind, t, bit
        .if     \kind == SUBTRACT_DELAYED || \kind == ZERO_DELAYED
.Lfired_\name\()_\bit:
        .if     \kind == SUBTRACT_DELAYED
        sub     \t, reset
        .else
        movs    v, #0
        .endif
        b       .Lreset_\name\()_\bit
        .endif
        .endm

/* The sum t becomes the membrane. SUBTRACT_NOW: flags are ge where v fired; s goes into the spikes,
 * inverted, and the membrane loses (s - r) reset_by; v is lost. */
        .macro  saturate kind, t, bit
        .if     \kind == SUBTRACT_NOW
        it      ge
        subge   \t, reset
        .endif
        ssat    \t, #16, \t, asr #15
        .if     \kind == SUBTRACT_NOW
        sub     v, \t, fires, asr #16
        asr     v, v, #31
        bfi     spikes, v, #\bit, #1
        bic     v, reset, v
        it      ge
        addge   \t, \t, reset, lsr #15
        sub     \t, \t, v, lsr #15
        ssat    \t, #16, \t
        .endif
        .endm

/* Two neurons of eight. Bits 15 and 31 of t1 become their spikes: of a lane that is not
 * negative, v + 2^15 - fire_at has its sign set. */
        .macro  pair name, kind, even, odd
        ldrsh   t0, [base_at], #2
        ldrsh   t1, [acc_at], #2
        ldrsh   v, [v_at]
        add     t0, half, t0, lsl #15
        mla     t0, t1, scale, t0
        leak_v  \name, \kind, t0, \even
        saturate \kind, t0, \even
        ldrsh   t1, [base_at], #2
        ldrsh   v, [v_at, #2]
        add     t1, half, t1, lsl #15
        leak_v  \name, \kind, t1, \odd
        ldrsh   v, [acc_at], #2
        mla     t1, v, scale, t1
        saturate \kind, t1, \odd
        bfi     t0, t1, #16, #16
        .if     \kind != ZERO_NOW
        str     t0, [v_at], #4
        .endif
        .if     \kind != SUBTRACT_NOW
        orr     t1, t0, #0x80008000
        sub     t1, fires
        bics    t1, t0
        .if     \even == 0
        and     spikes, t1, #0x80008000
        .else
        and     t1, t1, #0x80008000
        orr     spikes, t1, spikes, lsr #2
        .endif
        .endif
        .if     \kind == ZERO_NOW
        .if     \even == 0
        mov     t1, spikes
        .endif
        sub     t1, t1, t1, lsr #15
        bics    t0, t1
        str     t0, [v_at], #4
        .endif
        .endm

        .macro  neuron_pairs name, kind, is_shift=0
        function dassdp_k_neuron_pairs_\name
        push    {r4-r11, lr}
        ldrh    r4, [r0, #DASSDP_POPULATION_N_NEURONS]
        ldrb    r5, [r0, #DASSDP_POPULATION_ACC_LSHIFT]
        ldrd    r10, r11, [r0, #DASSDP_POPULATION_LEAK_Q15]
        ldr     r6, [r0, #DASSDP_POPULATION_RESET_BY]
        ldr     r0, [sp, #36]           @ base
        ldrsh   r7, [r11]
        ldrsh   r6, [r6]
        ldrh    r10, [r10]
        orr     fires, r7, r7, lsl #16
        lsl     reset, r6, #15
        mov     half, #0x4000
        lsl     scale, half, r5
        lsl     scale, scale, #1
        .if     \is_shift
        subs    half, half, #1
        .endif
        subs    r5, r4, #1              @ bytes of the last word may have no neurons
        lsrs    r5, r5, #5
        movs    r6, #0
        str     r6, [r2, r5, lsl #2]
        add     end, r1, r4, lsl #1
1:      pair    \name, \kind, 0, 1
        pair    \name, \kind, 2, 3
        pair    \name, \kind, 4, 5
        pair    \name, \kind, 6, 7
        .if     \kind == SUBTRACT_NOW
        mvns    spikes, spikes
        .else
        lsrs    t0, spikes, #9
        orr     spikes, t0, spikes, lsr #24
        .endif
        strb    spikes, [spk_at], #1
        cmp     v_at, end
        blo     1b
        pop     {r4-r11, pc}
        .irp    bit, 0, 2, 4, 6
        fired   \name, \kind, t0, \bit
        .endr
        .irp    bit, 1, 3, 5, 7
        fired   \name, \kind, t1, \bit
        .endr
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
