/* dassdp_k_stay_<container>: the sums of four neurons become their membranes, which are stored once none
 * of them fires. */
#include "asm.h"
#if DASSDP_FOURS_ACC != 0 || DASSDP_FOURS_V != 4 || DASSDP_FOURS_BEFORE != 8 \
    || DASSDP_FOURS_N_LEFT != 12 || DASSDP_FOURS_ACC_LSHIFT != 16 || DASSDP_FOURS_FIRE_AT != 20 \
    || DASSDP_FOURS_LOWEST != 24 || DASSDP_FOURS_LOOKS_BACK != 28
#error "two LDM load the fours"
#endif

acc_at  .req    r0
v_at    .req    r1
before  .req    r2
t       .req    r3
/* r4 to r7: four sums, then membranes */
end     .req    r8      /* of the sums */
lshift  .req    r9
fire_at .req    r10
lowest  .req    r11
looks   .req    r12

/* v = max(v + sum, lowest), of a neuron that does not fire */
        .macro  add_v v_bits, v, k
        .if     \v_bits == 32
        ldr     t, [v_at, #4 * \k]
        .else
        movs    t, #2 * \k
        ldrsh   t, [v_at, t]
        .endif
        adds    \v, t
        cmp     \v, fire_at
        bge     4f
        cmp     \v, lowest
        bge     6f
        mov     \v, lowest
6:
        .endm

/* end is t fours behind acc_at; t is lost. */
        .macro  word_end a_bits
        .if     \a_bits == 32
        lsls    t, t, #4
        .else
        lsls    t, t, #3
        .endif
        adds    t, acc_at
        mov     end, t
        .endm

        .macro  stay v_bits, a_bits
        function dassdp_k_stay_v\v_bits\()_a\a_bits
        push    {r4-r7, lr}
        mov     r1, r8
        mov     r2, r9
        mov     r3, r10
        mov     r4, r11
        push    {r0-r4}
        movs    r7, r0
        ldm     r7!, {r0-r3}
        ldm     r7!, {r4-r6}
        ldr     r7, [r7]
        mov     lshift, r4
        mov     fire_at, r5
        mov     lowest, r6
        mov     looks, r7
        cmp     t, #0                   @ n_left
        beq     7f
        word_end \a_bits
1:      .if     \a_bits == 32
        ldm     acc_at!, {r4-r7}
        .else
        ldm     acc_at!, {r4, r5}
        .endif
        lsls    t, before, #28
        orrs    t, r4
        orrs    t, r5
        .if     \a_bits == 32
        orrs    t, r6
        orrs    t, r7
        .else
        cmp     t, #0
        .endif
        bne     2f
        adds    v_at, #\v_bits / 2
3:      lsrs    before, before, #4
        cmp     acc_at, end
        bne     1b
7:      ldr     r4, [sp]                @ the next word
        ldr     r5, [r4, #DASSDP_FOURS_SPK_BITS]
        ldr     r6, [r4, #DASSDP_FOURS_N_MORE]
        mov     end, acc_at
        cmp     r6, #0
        beq     5f
        movs    t, #8
        cmp     r6, t
        bhs     8f
        movs    t, r6
8:      subs    r6, t
        str     r6, [r4, #DASSDP_FOURS_N_MORE]
        adds    r5, #4
        str     r5, [r4, #DASSDP_FOURS_SPK_BITS]
        ldr     before, [r5]
        movs    r6, #0
        str     r6, [r5]
        word_end \a_bits
        b       1b
2:      mov     t, looks
        tst     t, before
        bne     4f
        .if     \a_bits == 16
        asrs    r7, r5, #16
        sxth    r6, r5
        asrs    r5, r4, #16
        sxth    r4, r4
        .endif
        mov     t, lshift
        .irp    sum, r4, r5, r6, r7
        lsls    \sum, t
        .endr
        add_v   \v_bits, r4, 0
        add_v   \v_bits, r5, 1
        add_v   \v_bits, r6, 2
        add_v   \v_bits, r7, 3
        .if     \v_bits == 32
        stm     v_at!, {r4-r7}
        .else
        strh    r4, [v_at]
        strh    r5, [v_at, #2]
        strh    r6, [v_at, #4]
        strh    r7, [v_at, #6]
        adds    v_at, #8
        .endif
        b       3b
4:      subs    acc_at, #\a_bits / 2    @ one fires, or did before
5:      mov     t, end
        subs    t, acc_at
        .if     \a_bits == 32
        lsrs    t, t, #4
        .else
        lsrs    t, t, #3
        .endif
        pop     {r4}
        stm     r4!, {r0-r3}            @ with n_left
        pop     {r1-r4}
        mov     r8, r1
        mov     r9, r2
        mov     r10, r3
        mov     r11, r4
        pop     {r4-r7, pc}
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
