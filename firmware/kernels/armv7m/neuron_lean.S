/* dassdp_k_neuron_lean_<container>_<reset>, one neuron at a time. Neurons that fire or fired before
 * are few, so what they do lies behind the loops. Three loops: all constants shared, a threshold each,
 * a leak each; two of leaks by a shift, which round a half down: v - round(v 2^-k) is
 * v + round(~v 2^-k), and of int16 floor((v leak_q15 + 2^14 - 1) 2^-15). */
#include "asm.h"

base_at .req    r0
v_at    .req    r1
acc_at  .req    r3
v       .req    r4
a       .req    r5
in      .req    r6      /* then the new membrane */
leak    .req    r7      /* leak_q15, for SMMLAR shifted by 17, leak_shift, or where the next one lies */
fires   .req    r8      /* fire_at, or where the next one lies */
half_r  .req    r9      /* 2^(acc_rshift - 1), int32 sums */
scale   .req    r10     /* 2^acc_lshift */
half    .req    r11     /* 2^14, 2^14 - 1 with a shift; for SMMLAR 1 where leak_q15 >= 2^14, else 0 */
end     .req    lr      /* of the neurons of a word */
/* r2: acc_rshift of int32 sums, else the word of spikes; r12: that of int32 sums, or the threshold of
 * a neuron that has its own: then the word of int32 sums lies in the frame. */

#define WORD 0
#define RESET 4         /* reset_by, or what lies between it and the next fire_at */
#define SPK_BITS 8
#define LAST 12         /* end of all neurons */
#define TAIL 16         /* bits of the last word that have no neurons */
#define FRAME 20
#define BASE (FRAME + 36)

#define SHARED 0        /* the loops */
#define FIRE_EACH 1
#define LEAK_EACH 2

#ifdef __ARM_FEATURE_DSP
#define HAS_DSP 1
#else
#define HAS_DSP 0
#endif

        .macro  load bits, to, at
        .if     \bits == 16
        ldrsh   \to, [\at], #2
        .else
        ldr     \to, [\at], #4
        .endif
        .endm

        .macro  against loop, value
        .if     \loop == FIRE_EACH
        cmp     \value, r12
        .else
        cmp     \value, fires
        .endif
        .endm

/* a = reset_by */
        .macro  load_reset v_bits, loop
        ldr     a, [sp, #RESET]
        .if     \loop == FIRE_EACH && \v_bits == 16
        ldrsh   a, [fires, a]
        .elseif \loop == FIRE_EACH
        ldr     a, [fires, a]
        .endif
        .endm

/* in += leak(v) + the sum, saturated; v and a are lost. */
        .macro  integrate v_bits, a_bits, loop
        .if     \loop == LEAK_EACH
        ldrh    a, [leak], #2
        .endif
        .if     \v_bits == 16 && \loop == LEAK_EACH
        mla     v, v, a, half
        .elseif \v_bits == 16
        mla     v, v, leak, half
        .elseif is_shift
        mvns    a, v
        asrs    a, a, leak              @ C is the bit below
        adc     in, in, a
        add     in, in, v
        .elseif \loop == LEAK_EACH
        smull   v, a, v, a
        .elseif HAS_DSP
        mla     in, v, half, in         @ v leak_q15 is v (leak_q15 - 2^15) + v 2^15
        smmlar  in, v, leak, in
        .else
        smull   v, a, v, leak
        .endif
        .if     \v_bits == 32 && is_shift == 0 && (\loop == LEAK_EACH || HAS_DSP == 0)
        lsrs    v, v, #15               @ C is the bit below
        adc     in, in, a, lsl #17
        add     in, in, v
        .endif
        load    \a_bits, a, acc_at
        .if     \a_bits == 16
        mla     in, a, scale, in
        .else
        mla     a, a, scale, half_r
        asr     a, a, r2
        add     in, in, a
        .endif
        .if     \v_bits == 16
        add     in, in, v, asr #15
        ssat    in, #16, in
        .endif
        .endm

        .macro  step name, kind, v_bits, a_bits, loop, k
        load    \v_bits, in, base_at
        .if     \v_bits == 16
        ldrsh   v, [v_at]
        .else
        ldr     v, [v_at]
        .endif
        .if     \loop == FIRE_EACH
        load    \v_bits, r12, fires
        .endif
        .if     \kind != NONE && \kind != ZERO_NOW
        against \loop, v
        bge     .Lfired_\name\()_\loop\()_\k
        .endif
.Lgoes_on_\name\()_\loop\()_\k:
        integrate \v_bits, \a_bits, \loop
        against \loop, in
        bge     .Lfires_\name\()_\loop\()_\k
.Lstore_\name\()_\loop\()_\k:
        .if     \v_bits == 16
        strh    in, [v_at], #2
        .else
        str     in, [v_at], #4
        .endif
        .endm

/* What a step leaves: it fired before; it fires. */
        .macro  rare name, kind, v_bits, a_bits, loop, k
        .if     \kind == ZERO_DELAYED
.Lfired_\name\()_\loop\()_\k:
        movs    v, #0
        b       .Lgoes_on_\name\()_\loop\()_\k
        .elseif \kind == SUBTRACT_DELAYED || \kind == SUBTRACT_NOW
.Lfired_\name\()_\loop\()_\k:
        load_reset \v_bits, \loop
        sub     in, in, a
        .if     \kind == SUBTRACT_DELAYED
        b       .Lgoes_on_\name\()_\loop\()_\k
        .else
        integrate \v_bits, \a_bits, \loop
        against \loop, in
        bge     .Lmark_\name\()_\loop\()_\k
        load_reset \v_bits, \loop       @ it is silent again
        add     in, in, a
        .if     \v_bits == 16
        ssat    in, #16, in
        .endif
        b       .Lstore_\name\()_\loop\()_\k
        .endif
        .endif
.Lfires_\name\()_\loop\()_\k:
        .if     \kind == SUBTRACT_NOW
        load_reset \v_bits, \loop
        sub     in, in, a
        .elseif \kind == ZERO_NOW
        movs    in, #0
        .endif
.Lmark_\name\()_\loop\()_\k:
        sub     v, end, v_at
        .if     \v_bits == 16
        lsrs    v, v, #1
        .else
        lsrs    v, v, #2
        .endif
        movs    a, #1
        ror     a, a, v
        .if     \a_bits == 16
        orr     r2, r2, a
        .elseif \loop == FIRE_EACH
        ldr     v, [sp, #WORD]
        orr     v, v, a
        str     v, [sp, #WORD]
        .else
        orr     r12, r12, a
        .endif
        b       .Lstore_\name\()_\loop\()_\k
        .endm

        .macro  words name, kind, v_bits, a_bits, loop
1:      ldr     v, [sp, #LAST]
        add     end, v_at, #4 * \v_bits
        cmp     end, v
        it      hi
        movhi   end, v
        .if     \a_bits == 16
        movs    r2, #0
        .elseif \loop == FIRE_EACH
        movs    v, #0
        str     v, [sp, #WORD]
        .else
        mov     r12, #0
        .endif
2:      step    \name, \kind, \v_bits, \a_bits, \loop, 0
        step    \name, \kind, \v_bits, \a_bits, \loop, 1
        .if     \loop == SHARED
        step    \name, \kind, \v_bits, \a_bits, \loop, 2
        step    \name, \kind, \v_bits, \a_bits, \loop, 3
        .endif
        cmp     v_at, end
        bne     2b
        ldr     a, [sp, #LAST]
        cmp     v_at, a
        ite     ne
        movne   a, #0
        ldreq   a, [sp, #TAIL]
        ldr     v, [sp, #SPK_BITS]
        .if     \a_bits == 16
        lsr     r2, r2, a
        str     r2, [v], #4
        .elseif \loop == FIRE_EACH
        ldr     r12, [sp, #WORD]
        lsr     r12, r12, a
        str     r12, [v], #4
        .else
        lsr     r12, r12, a
        str     r12, [v], #4
        .endif
        str     v, [sp, #SPK_BITS]
        ldr     a, [sp, #LAST]
        cmp     v_at, a
        bne     1b
        add     sp, #FRAME
        pop     {r4-r11, pc}
        rare    \name, \kind, \v_bits, \a_bits, \loop, 0
        rare    \name, \kind, \v_bits, \a_bits, \loop, 1
        .if     \loop == SHARED
        rare    \name, \kind, \v_bits, \a_bits, \loop, 2
        rare    \name, \kind, \v_bits, \a_bits, \loop, 3
        .endif
        .endm

        .macro  neuron_lean name, kind, v_bits, a_bits, shifts=0
        .set    is_shift, \shifts
        function dassdp_k_neuron_lean_\name
        push    {r4-r11, lr}
        sub     sp, #FRAME
        str     r2, [sp, #SPK_BITS]
        ldrh    r4, [r0, #DASSDP_POPULATION_N_NEURONS]
        adds    r4, #3                  @ whole rounds of four
        bic     r4, r4, #3
        rsbs    r5, r4, #0
        and     r5, r5, #31
        str     r5, [sp, #TAIL]
        .if     \v_bits == 16
        add     r4, v_at, r4, lsl #1
        .else
        add     r4, v_at, r4, lsl #2
        .endif
        str     r4, [sp, #LAST]
        ldrb    r4, [r0, #DASSDP_POPULATION_ACC_LSHIFT]
        movs    r5, #1
        lsl     scale, r5, r4
        .if     \a_bits == 32
        ldrb    r2, [r0, #DASSDP_POPULATION_ACC_RSHIFT]
        lsl     half_r, r5, r2
        lsr     half_r, half_r, #1
        .endif
        mov     half, #0x4000 - is_shift
        .if     \v_bits == 32 && is_shift
        ldrb    leak, [r0, #DASSDP_POPULATION_LEAK_SHIFT]
        .else
        ldr     leak, [r0, #DASSDP_POPULATION_LEAK_Q15]
        .endif
        .if     is_shift == 0
        ldrb    r5, [r0, #DASSDP_POPULATION_LEAK_STRIDE]
        .endif
        ldr     fires, [r0, #DASSDP_POPULATION_FIRE_AT]
        ldr     r4, [r0, #DASSDP_POPULATION_RESET_BY]
        ldrb    r6, [r0, #DASSDP_POPULATION_FIRE_STRIDE]
        ldr     base_at, [sp, #BASE]
        cbnz    r6, 5f
        .if     \v_bits == 16
        ldrsh   fires, [fires]
        ldrsh   r4, [r4]
        .else
        ldr     fires, [fires]
        ldr     r4, [r4]
        .endif
        b       6f
5:      sub     r4, r4, fires
        subs    r4, #\v_bits / 8
6:      str     r4, [sp, #RESET]
        .if     is_shift == 0
        cmp     r5, #0
        bne.w   .Lleak_each_\name
        .endif
        .if     \v_bits == 16 || is_shift == 0
        ldrh    leak, [leak]
        .endif
        .if     \v_bits == 32 && is_shift == 0 && HAS_DSP
        add     half, half, leak
        lsr     half, half, #15
        lsl     leak, leak, #17
        .endif
        cmp     r6, #0
        bne.w   .Lfire_each_\name
        words   \name, \kind, \v_bits, \a_bits, SHARED
.Lfire_each_\name:
        words   \name, \kind, \v_bits, \a_bits, FIRE_EACH
        .if     is_shift == 0
.Lleak_each_\name:
        words   \name, \kind, \v_bits, \a_bits, LEAK_EACH
        .endif
        end_function dassdp_k_neuron_lean_\name
        .endm

@ stack: 56
        neuron_lean v16_a16_none, NONE, 16, 16
@ stack: 56
        neuron_lean v16_a16_subtract_delayed, SUBTRACT_DELAYED, 16, 16
@ stack: 56
        neuron_lean v16_a16_subtract_now, SUBTRACT_NOW, 16, 16
@ stack: 56
        neuron_lean v16_a16_zero_delayed, ZERO_DELAYED, 16, 16
@ stack: 56
        neuron_lean v16_a16_zero_now, ZERO_NOW, 16, 16
@ stack: 56
        neuron_lean v16_a32_none, NONE, 16, 32
@ stack: 56
        neuron_lean v16_a32_subtract_delayed, SUBTRACT_DELAYED, 16, 32
@ stack: 56
        neuron_lean v16_a32_subtract_now, SUBTRACT_NOW, 16, 32
@ stack: 56
        neuron_lean v16_a32_zero_delayed, ZERO_DELAYED, 16, 32
@ stack: 56
        neuron_lean v16_a32_zero_now, ZERO_NOW, 16, 32
@ stack: 56
        neuron_lean v32_a16_none, NONE, 32, 16
@ stack: 56
        neuron_lean v32_a16_subtract_delayed, SUBTRACT_DELAYED, 32, 16
@ stack: 56
        neuron_lean v32_a16_subtract_now, SUBTRACT_NOW, 32, 16
@ stack: 56
        neuron_lean v32_a16_zero_delayed, ZERO_DELAYED, 32, 16
@ stack: 56
        neuron_lean v32_a16_zero_now, ZERO_NOW, 32, 16
@ stack: 56
        neuron_lean v32_a32_none, NONE, 32, 32
@ stack: 56
        neuron_lean v32_a32_subtract_delayed, SUBTRACT_DELAYED, 32, 32
@ stack: 56
        neuron_lean v32_a32_subtract_now, SUBTRACT_NOW, 32, 32
@ stack: 56
        neuron_lean v32_a32_zero_delayed, ZERO_DELAYED, 32, 32
@ stack: 56
        neuron_lean v32_a32_zero_now, ZERO_NOW, 32, 32
@ stack: 56
        neuron_lean shift_v16_a16_none, NONE, 16, 16, 1
@ stack: 56
        neuron_lean shift_v16_a16_subtract_delayed, SUBTRACT_DELAYED, 16, 16, 1
@ stack: 56
        neuron_lean shift_v16_a16_subtract_now, SUBTRACT_NOW, 16, 16, 1
@ stack: 56
        neuron_lean shift_v16_a16_zero_delayed, ZERO_DELAYED, 16, 16, 1
@ stack: 56
        neuron_lean shift_v16_a16_zero_now, ZERO_NOW, 16, 16, 1
@ stack: 56
        neuron_lean shift_v16_a32_none, NONE, 16, 32, 1
@ stack: 56
        neuron_lean shift_v16_a32_subtract_delayed, SUBTRACT_DELAYED, 16, 32, 1
@ stack: 56
        neuron_lean shift_v16_a32_subtract_now, SUBTRACT_NOW, 16, 32, 1
@ stack: 56
        neuron_lean shift_v16_a32_zero_delayed, ZERO_DELAYED, 16, 32, 1
@ stack: 56
        neuron_lean shift_v16_a32_zero_now, ZERO_NOW, 16, 32, 1
@ stack: 56
        neuron_lean shift_v32_a16_none, NONE, 32, 16, 1
@ stack: 56
        neuron_lean shift_v32_a16_subtract_delayed, SUBTRACT_DELAYED, 32, 16, 1
@ stack: 56
        neuron_lean shift_v32_a16_subtract_now, SUBTRACT_NOW, 32, 16, 1
@ stack: 56
        neuron_lean shift_v32_a16_zero_delayed, ZERO_DELAYED, 32, 16, 1
@ stack: 56
        neuron_lean shift_v32_a16_zero_now, ZERO_NOW, 32, 16, 1
@ stack: 56
        neuron_lean shift_v32_a32_none, NONE, 32, 32, 1
@ stack: 56
        neuron_lean shift_v32_a32_subtract_delayed, SUBTRACT_DELAYED, 32, 32, 1
@ stack: 56
        neuron_lean shift_v32_a32_subtract_now, SUBTRACT_NOW, 32, 32, 1
@ stack: 56
        neuron_lean shift_v32_a32_zero_delayed, ZERO_DELAYED, 32, 32, 1
@ stack: 56
        neuron_lean shift_v32_a32_zero_now, ZERO_NOW, 32, 32, 1
