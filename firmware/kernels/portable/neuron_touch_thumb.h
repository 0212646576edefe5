/* For assembly only: dassdp_k_touch_v16 of any Cortex-M. The membrane less the least that touches is
 * compared as an unsigned number, and ADCS shifts the flag C into the word of bits, the last neuron first.
 * SHARED: the file has a macro touch_shared, for neurons that share their constants. */
#include "registers_v6m.h"

        /* r5 indexes the membrane from \base; r8 width - 1 - reset_by, r9 2 width - 2, r3 bits */
        .macro  shared base
        ldrsh   r4, [\base, r5]
        add     r4, r8
        cmp     r9, r4
        adcs    r3, r3
        .endm

@ r0 v, then of the first of four neurons, r1, r2, r6 of the others; r7 bytes of fours; r10 neurons left;
@ r11 where the word goes; r12 v of the next word; each: r1 reset_by, r2 width
        function dassdp_k_touch_v16
        save_registers
        mov     r11, r2
        mov     r12, r1
        ldrh    r4, [r0, #DASSDP_POPULATION_N_NEURONS]
        mov     r10, r4
        ldr     r1, [r0, #DASSDP_POPULATION_RESET_BY]
        ldrb    r4, [r0, #DASSDP_POPULATION_FIRE_STRIDE]
        ldr     r2, [r0, #DASSDP_POPULATION_TOUCH_WIDTH]
        cmp     r4, #0
        bne     .Leach
#ifdef SHARED
        touch_shared
#else
        ldrsh   r5, [r1, r4]
        ldrsh   r6, [r2, r4]
        subs    r6, #1
        subs    r5, r6, r5
        mov     r8, r5
        lsls    r6, #1
        mov     r9, r6
.Lnext_word:
        mov     r5, r10
        movs    r7, r5
        cmp     r7, #32
        bls     1f
        movs    r7, #32
1:      subs    r5, r7
        mov     r10, r5
        movs    r3, #0
        mov     r0, r12
        lsls    r5, r7, #1
        adds    r1, r0, r5
        mov     r12, r1
        adds    r1, r0, #2
        adds    r2, r0, #4
        adds    r6, r0, #6
        lsrs    r7, #2
        lsls    r7, #3
        b       3f
2:      shared  r0
3:      subs    r5, #2
        cmp     r5, r7
        bge     2b
        subs    r5, r7, #4
        subs    r5, #4
        bmi     5f
4:      shared  r6
        shared  r2
        shared  r1
        shared  r0
        subs    r5, #8
        bpl     4b
5:      mov     r0, r11
        stm     r0!, {r3}
        mov     r11, r0
        mov     r5, r10
        cmp     r5, #0
        bne     .Lnext_word
#endif
.Ldone:
        restore_registers

.Leach:
        mov     r5, r10
        cmp     r5, #32
        bls     6f
        movs    r5, #32
6:      mov     r0, r10
        subs    r0, r5
        mov     r10, r0
        lsls    r5, #1
        mov     r8, r5
        mov     r0, r12
        movs    r3, #0
        subs    r5, #2
7:      ldrsh   r4, [r0, r5]
        ldrsh   r6, [r1, r5]
        ldrsh   r7, [r2, r5]
        subs    r7, #1
        subs    r4, r6
        adds    r4, r7
        lsls    r7, #1
        cmp     r7, r4
        adcs    r3, r3
        subs    r5, #2
        bpl     7b
        add     r0, r8
        mov     r12, r0
        add     r1, r8
        add     r2, r8
        mov     r0, r11
        stm     r0!, {r3}
        mov     r11, r0
        mov     r5, r10
        cmp     r5, #0
        bne     .Leach
        b       .Ldone
        end_function dassdp_k_touch_v16
