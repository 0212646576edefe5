/* dassdp_k_stay_<container>: the sums of four neurons become their membranes, which are stored once none
 * of them fires. One comparison tells that a membrane neither fires nor is below the lowest: what it lies
 * above the lowest, without a sign, is below what fires. Words without spikes before have a loop of their
 * own. */
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
range   .req    r6      /* of a membrane that does not fire, from the lowest on */
lowest  .req    r7
looks   .req    r8
/* r9 to r12: four sums, then membranes; r0 and lr: what they were */

        .macro  add_sums v_bits, k, sum, next
        .if     \v_bits == 32
        ldrd    lr, r0, [v_at, #4 * \k]
        .else
        ldrsh   lr, [v_at, #2 * \k]
        ldrsh   r0, [v_at, #2 * \k + 2]
        .endif
        mla     \sum, \sum, scale, lr
        mla     \next, \next, scale, r0
        sub     lr, \sum, lowest
        sub     r0, \next, lowest
        .endm

/* v = v + sum 2^acc_lshift; hs: one of them fires or is below the lowest */
        .macro  add_four v_bits, a_bits
        .if     \a_bits == 16
        asr     r12, r10, #16
        sxth    r11, r10
        asr     r10, r9, #16
        sxth    r9, r9
        .endif
        add_sums \v_bits, 0, r9, r10
        cmp     lr, range
        it      lo
        cmplo   r0, range
        add_sums \v_bits, 2, r11, r12
        itt     lo
        cmplo   lr, range
        cmplo   r0, range
        .endm

        .macro  store_four v_bits
        .if     \v_bits == 32
        stm     v_at!, {r9-r12}
        .else
        strh    r9, [v_at], #2
        strh    r10, [v_at], #2
        strh    r11, [v_at], #2
        strh    r12, [v_at], #2
        .endif
        .endm

        .macro  stay v_bits, a_bits
        function dassdp_k_stay_v\v_bits\()_a\a_bits
        push    {r0, r4-r11, lr}
        ldm     r0, {r1-r8}
        movs    r0, #1
        lsl     scale, r0, scale
        subs    range, range, lowest
        it      lt
        movlt   range, #0
        cmp     n_left, #0
        beq     6f
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
        bne     8f
        adds    v_at, #\v_bits / 2
2:      lsrs    before, before, #4
        beq     5f
        subs    n_left, #1
        bne     1b
        b       6f
3:      .if     \a_bits == 32         @ nobody left of the word fired before
        ldm     acc_at!, {r9-r12}
        orr     lr, r9, r10
        orr     r0, r11, r12
        orrs    lr, lr, r0
        .else
        ldm     acc_at!, {r9, r10}
        orrs    lr, r9, r10
        .endif
        bne     4f
        adds    v_at, #\v_bits / 2
        subs    n_left, #1
        bne     3b
        b       6f
4:      add_four \v_bits, \a_bits
        bhs     9f
        store_four \v_bits
5:      subs    n_left, #1
        bne     3b
6:      ldr     r0, [sp]                @ the next word
        ldrd    lr, r9, [r0, #DASSDP_FOURS_SPK_BITS] @ and n_more
        cmp     r9, #0
        beq     11f
        cmp     r9, #8
        ite     lo
        movlo   n_left, r9
        movhs   n_left, #8
        sub     r9, r9, n_left
        ldr     before, [lr, #4]!
        mov     r10, #0
        str     r10, [lr]
        strd    lr, r9, [r0, #DASSDP_FOURS_SPK_BITS]
        cmp     before, #0
        beq     3b
        b       1b
8:      tst     before, looks
        bne     10f
        add_four \v_bits, \a_bits
        bhs     9f
7:      store_four \v_bits
        b       2b
9:      ldr     r0, [sp]
        ldr     r0, [r0, #DASSDP_FOURS_FIRE_AT]
        .irp    v, r9, r10, r11, r12
        cmp     \v, r0
        bge     10f
        cmp     \v, lowest
        it      lt
        movlt   \v, lowest
        .endr
        b       7b
10:     subs    acc_at, #\a_bits / 2    @ one fires, or did before
11:     ldr     r0, [sp], #4
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
