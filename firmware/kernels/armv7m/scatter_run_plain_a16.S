/* dassdp_k_scatter_run_plain_a16: two or three whole rows of three taps of one column, as of a depthwise 3x3
 * kernel away from borders, with all of the patch in registers; others by calls. */
#include "scatter_run_v7m.h"
#include "scatter_taps_v7m.h"

/* r6 next, r7 end, r8 index of the first neuron, r9 how many, r10 bytes from place to place, r11 from channel
 * to channel, r12 image, lr bytes from row to row of sums; on the stack divisor, channels and acc */
        @ r0 acc, r1 its weights
        .macro  stand
        ldr     r5, [r6], #4
        subs    r5, r5, r8
        cmp     r5, r9
        bhs     7f
        ldm     sp, {r0-r4}
        mla     r0, r5, r0, r1
        lsr     r0, r0, r2              @ the place
        mls     r3, r0, r3, r5          @ the channel
        mla     r0, r0, r10, r4
        mla     r1, r3, r11, r12
        add     r0, r0, r3, lsl #1
        .endm

        .macro  next_spike again
        cmp     r6, r7
        bne     \again
        b       8f
        .endm

@ stack: 72
        function dassdp_k_scatter_run_plain_a16
        push    {r4-r11, lr}
        ldm     r0, {r3-r8}             @ the patch
        cmp     r7, #1
        itt     eq
        cmpeq   r3, #3
        cmpeq   r6, #0
        bne     9f
        subs    r4, #2
        cmp     r4, #1
        bhi     9f
        add     lr, r5, r8
        add     lr, lr, r8, lsl #1
        mov     r10, r8
        ldrd    r8, r9, [r0, #DASSDP_RUN_BEGIN]
        ldr     r11, [r0, #DASSDP_RUN_CHANNEL_BYTES]
        ldr     r12, [r0, #DASSDP_RUN_IMAGE]
        mov     r6, r1
        mov     r7, r2
        add     r0, r0, #DASSDP_RUN_BY_CHANNELS
        ldm     r0, {r0-r3, r5}
        push    {r0-r3, r5}
        blo     2f
1:      stand
        ldr     r2, [r1]
        ldr     r3, [r1, #4]
        ldrsb   r4, [r1, #8]
        add_nine r0, r10, lr, r5, r1, r2, r3, r4
        next_spike 1b
2:      stand
        ldr     r2, [r1]
        ldrh    r3, [r1, #4]
        add_six r0, r10, lr, r5, r1, r2, r3
        next_spike 2b
7:      subs    r6, #4
8:      mov     r0, r6
        add     sp, #20
        pop     {r4-r11, pc}
9:      scatter_by_calls dassdp_k_scatter_plain_a16
        pop     {r4-r11, pc}
        end_function dassdp_k_scatter_run_plain_a16
