/* dassdp_k_scatter_run_a16: whole rows of 4, 8, 12 and 16 columns, of few channels or of a kernel of one
 * place, have loops of their own; others by calls. */
#include "scatter_dsp.h"
#include "scatter_run_v7m.h"

#define PLACE DASSDP_RUN_PLACE_BYTES    /* what r11 points to */

        @ r0 acc, r1 its weights, r10 rows; r11 place_bytes of the run, r12 next, [sp] end
        .macro  stand
        ldr     lr, [r12], #4
        ldm     r11, {r0-r10}
        subs    lr, lr, r3
        cmp     lr, r4
        bhs     7f
        mla     r5, lr, r5, r6
        lsr     r5, r5, r7              @ the place
        mls     r8, r5, r8, lr          @ the channel
        mla     r0, r5, r0, r9
        mla     r1, r8, r2, r10
        ldrd    r10, r8, [r11, #DASSDP_RUN_ROWS - PLACE]
        .endm

        @ r8 bytes from row to row of sums
        .macro  next_row again
        subs    r10, #1
        add     r0, r0, r8
        bne     \again
        .endm

        .macro  next_spike again
        ldr     r2, [sp]
        cmp     r12, r2
        bne     \again
        b       8f
        .endm

@ stack: 88
        function dassdp_k_scatter_run_a16
        push    {r2, r4-r11, lr}
        ldm     r0, {r3-r6}             @ columns, rows, bytes from row to row: sums, weights
        cmp     r3, #16
        it      ls
        cmpls   r6, #0
        bne     9f
        add     r11, r0, #PLACE
        mov     r12, r1
        cmp     r3, #8
        beq     2f
        bhi     3f
1:      stand
10:     add_next_four r0, r1
        next_row 10b
        next_spike 1b
2:      stand
10:     add_next_eight r0, r1
        next_row 10b
        next_spike 2b
3:      cmp     r3, #12
        bne     4f
3:      stand
10:     add_next_twelve r0, r1
        ldr     lr, [r11, #DASSDP_RUN_ACC_STEP - PLACE]
        subs    r10, #1
        add     r0, r0, lr
        bne     10b
        next_spike 3b
4:      stand
10:     add_next_eight r0, r1
        add_next_eight r0, r1
        next_row 10b
        next_spike 4b
7:      sub     r12, r12, #4
8:      mov     r0, r12
        pop     {r2, r4-r11, pc}
9:      scatter_by_calls dassdp_k_scatter_a16
        pop     {r2, r4-r11, pc}
        end_function dassdp_k_scatter_run_a16
