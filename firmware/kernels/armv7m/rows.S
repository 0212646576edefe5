/* dassdp_k_rows: a word of spikes is bit-reversed, so that CLZ names its neurons in ascending
 * order; two neurons a round, a test for the end behind each. */
#include "asm.h"
#if DASSDP_CURSOR_SPK_BITS != 0 || DASSDP_CURSOR_N_WORDS != 4 || DASSDP_CURSOR_ROW != 8 \
    || DASSDP_CURSOR_ROW_BYTES != 12
#error "one LDM loads the cursor"
#endif

/* r1 list, r2 spk_bits, r3 n_words, r4 row, r5 row_bytes, r6 word, lr behind the full list */
        .macro  list_spike
        clz     r7, r6
        lsr     r12, r8, r7
        mla     r7, r5, r7, r4
        eors    r6, r6, r12
        str     r7, [r1], #4
        .endm

@ stack: 24
        function dassdp_k_rows
        ldr     r3, [r0, #DASSDP_CURSOR_N_WORDS]
        cbz     r3, 5f
        push    {r4-r8, lr}
        ldm     r0, {r2-r5}
        mov     r8, #0x80000000
        add     lr, r1, #DASSDP_LIST_FULL_BYTES + 4
1:      ldr     r6, [r2], #4
        cbz     r6, 4f
        rbit    r6, r6
2:      list_spike
        beq     4f
        list_spike
        bne     2b
4:      add     r4, r4, r5, lsl #5
        sub     r12, r1, lr
        adds    r3, r3, r12, asr #31    @ C: one word less, and room for another
        bhi     1b
        sbc     r3, r3, #0              @ the list was full: one word less
        stm     r0!, {r2-r4}
        adds    r0, r12, #DASSDP_LIST_FULL_BYTES + 4
        lsrs    r0, r0, #2
        pop     {r4-r8, pc}
5:      movs    r0, #0
        bx      lr
        end_function dassdp_k_rows
