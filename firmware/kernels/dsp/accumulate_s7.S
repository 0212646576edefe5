/* dassdp_k_accumulate_s7: tiles of 8 columns in registers, eight rows a round; two rows add up in
 * bytes, 2 * 127 <= 254, before they are widened. The n_rows % 4 rows at the front of the list,
 * all where there are few, and the bias go through the kernel for 8 bits first. */
#include "accumulate_narrow_dsp.h"

#define FEW 20 /* rows: fewer are faster so */

/* Two rows; r2 and r3 are the offsets of the tile's words. */
        .macro  add_rows p, q
        ldr     r0, [\p, r2]
        ldr     r1, [\q, r2]
        ldr     \p, [\p, r3]
        ldr     \q, [\q, r3]
        add     r0, r1
        add     \p, \q
        widen   r4, r5, r0
        widen   r6, r7, \p
        .endm

@ stack: 88 calls dassdp_k_accumulate_rows
        function dassdp_k_accumulate_s7
        begin_narrow FEW
        ldrd    r12, lr, [sp, #LIST]    @ end
        cmp     r12, lr
        beq     4f
        movs    r2, #0
        movs    r3, #4
1:      ldr     r0, [sp, #ACC]
        ldm     r0, {r4-r7}
        sub     r0, lr, r12
        lsls    r0, r0, #27             @ an odd number of fours
        bmi     3f
2:      ldm     r12!, {r8-r11}
        add_rows r8, r9
        add_rows r10, r11
3:      ldm     r12!, {r8-r11}
        add_rows r8, r9
        add_rows r10, r11
        cmp     r12, lr
        bne     2b
        ldrd    r0, r1, [sp]            @ columns, acc
        stm     r1!, {r4-r7}
        str     r1, [sp, #ACC]
        ldr     r12, [sp, #LIST]
        adds    r2, #8
        adds    r3, #8
        cmp     r2, r0
        bne     1b
4:      add     sp, #FRAME
        pop     {r4-r11, pc}
        end_function dassdp_k_accumulate_s7
