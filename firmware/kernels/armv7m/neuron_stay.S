/* dassdp_k_stay_<container>: the sums of four neurons become their membranes, which are stored once none
 * of them fires. */
#include "asm.h"
#if DASSDP_FOURS_ACC != 0 || DASSDP_FOURS_V != 4 || DASSDP_FOURS_BEFORE != 8 \
    || DASSDP_FOURS_N_LEFT != 12 || DASSDP_FOURS_ACC_LSHIFT != 16 || DASSDP_FOURS_FIRE_AT != 20 \
    || DASSDP_FOURS_LOWEST != 24 || DASSDP_FOURS_LOOKS_BACK != 28 \
    || DASSDP_FOURS_N_MORE != DASSDP_FOURS_SPK_BITS + 4
#error "one LDM loads the fours, one LDRD what follows"
#endif

acc_at  .req    r1
v_at    .req    r2
before  .req    r3
n_left  .req    r4
scale   .req    r5      /* 2^acc_lshift */
fire_at .req    r6
lowest  .req    r7
looks   .req    r8
/* r9 to r12: four sums, then membranes; r0 and lr: what they were */

        .macro  load_v v_bits, k
        .if     \v_bits == 32
        ldrd    lr, r0, [v_at, #4 * \k]
        .else
        ldrsh   lr, [v_at, #2 * \k]
        ldrsh   r0, [v_at, #2 * \k + 2]
        .endif
        .endm

/* v = max(v + sum 2^acc_lshift, lowest), of a neuron that does not fire */
        .macro  add_sum sum, v
        mla     \sum, \sum, scale, \v
        cmp     \sum, fire_at
        bge     4f
        cmp     \sum, lowest
        it      lt
        movlt   \sum, lowest
        .endm

        .macro  stay v_bits, a_bits
        function dassdp_k_stay_v\v_bits\()_a\a_bits
        push    {r0, r4-r11, lr}
        ldm     r0, {r1-r8}
        movs    r0, #1
        lsl     scale, r0, scale
        cmp     n_left, #0
        beq     5f
1:      .if     \a_bits == 32
        ldm     acc_at!, {r9-r12}
        orr     lr, r9, before, lsl #28
        orr     lr, lr, r10
        orr     lr, lr, r11
        orrs    lr, lr, r12
        .else
        ldm     acc_at!, {r9, r10}
        orr     lr, r9, before, lsl #28
        orrs    lr, lr, r10
        .endif
        bne     2f
        adds    v_at, #\v_bits / 2
        lsrs    before, before, #4
        subs    n_left, #1
        bne     1b
        b       5f
2:      tst     before, looks
        bne     4f
        .if     \a_bits == 16
        asr     r12, r10, #16
        sxth    r11, r10
        asr     r10, r9, #16
        sxth    r9, r9
        .endif
        load_v  \v_bits, 0
        add_sum r9, lr
        add_sum r10, r0
        load_v  \v_bits, 2
        add_sum r11, lr
        add_sum r12, r0
        .if     \v_bits == 32
        stm     v_at!, {r9-r12}
        .else
        strh    r9, [v_at], #2
        strh    r10, [v_at], #2
        strh    r11, [v_at], #2
        strh    r12, [v_at], #2
        .endif
        lsrs    before, before, #4
        subs    n_left, #1
        bne     1b
        b       5f
5:      ldr     r0, [sp]                @ the next word
        ldrd    lr, r9, [r0, #DASSDP_FOURS_SPK_BITS] @ and n_more
        cmp     r9, #0
        beq     6f
        cmp     r9, #8
        ite     lo
        movlo   n_left, r9
        movhs   n_left, #8
        sub     r9, r9, n_left
        ldr     before, [lr, #4]!
        mov     r10, #0
        str     r10, [lr]
        strd    lr, r9, [r0, #DASSDP_FOURS_SPK_BITS]
        b       1b
4:      subs    acc_at, #\a_bits / 2    @ one fires, or did before
6:      ldr     r0, [sp], #4
        stm     r0, {r1-r4}
        pop     {r4-r11, pc}
        end_function dassdp_k_stay_v\v_bits\()_a\a_bits
        .endm

@ stack: 40
        stay    16, 16
@ stack: 40
        stay    16, 32
@ stack: 40
        stay    32, 16
@ stack: 40
        stay    32, 32
