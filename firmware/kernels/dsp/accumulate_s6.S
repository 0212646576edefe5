/* dassdp_k_accumulate_s6: four rows add up in bytes, 4 * 63 <= 252, before they are widened into
 * the sums in memory, columns ascending. The n_rows % 4 rows at the front of the list and the
 * bias of all go through the kernel for 8 bits first. */
#include "accumulate_narrow_dsp.h"

        .macro  add_words
        add     r0, r4
        add     r1, r5
        add     r2, r6
        add     r3, r7
        .endm

@ stack: 88 calls dassdp_k_accumulate_rows
        function dassdp_k_accumulate_s6
        begin_narrow 0
        b       4f
1:      ldm     r0!, {r8-r11}           @ four rows
        str     r0, [sp, #LIST]
        ldrd    lr, r12, [sp]           @ columns, acc
        subs    lr, lr, #16
        blt     3f
2:      ldm     r8!, {r0-r3}
        ldm     r9!, {r4-r7}
        add_words
        ldm     r10!, {r4-r7}
        add_words
        ldm     r11!, {r4-r7}
        add_words
        ldm     r12, {r4-r7}
        widen   r4, r5, r0
        widen   r6, r7, r1
        stm     r12!, {r4-r7}
        ldm     r12, {r4-r7}
        widen   r4, r5, r2
        widen   r6, r7, r3
        stm     r12!, {r4-r7}
        subs    lr, lr, #16
        bge     2b
        cmn     lr, #16
        beq     4f
3:      ldm     r8, {r0-r1}             @ the last 8 columns
        ldm     r9, {r2-r3}
        ldm     r10, {r4-r5}
        ldm     r11, {r6-r7}
        .irp    w, r2, r4, r6
        add     r0, \w
        .endr
        .irp    w, r3, r5, r7
        add     r1, \w
        .endr
        ldm     r12, {r4-r7}
        widen   r4, r5, r0
        widen   r6, r7, r1
        stm     r12, {r4-r7}
4:      ldrd    r0, r1, [sp, #LIST]     @ list, end
        cmp     r0, r1
        bne     1b
        add     sp, #FRAME
        pop     {r4-r11, pc}
        end_function dassdp_k_accumulate_s6
