/* Spikes of a run, one after the other. */
#ifndef DASSDP_SCATTER_RUN_V6M_H
#define DASSDP_SCATTER_RUN_V6M_H

#include "registers_v6m.h"

        @ r0 acc, r1 its weights, r2 place_bytes, of the neuron that r8 points to, and r8 to the one behind it;
        @ r10 place_bytes of the run. is_grouped: sums of a channel lie behind those of the last, one column
    .macro STAND outside, is_grouped
    mov r0, r8
    ldmia r0!, {r1}
    mov r7, r10
    ldmia r7!, {r2-r6}          /* bytes: place, group, channel; first neuron, how many */
    subs r1, r1, r5
    cmp r1, r6
    bhs \outside
    mov r8, r0
    ldmia r7!, {r0, r5, r6}
    muls r0, r1, r0
    adds r0, r0, r5
    lsrs r0, r0, r6             /* the place */
    ldmia r7!, {r3, r5, r6}     /* channels, acc, image */
    muls r3, r0, r3
    subs r1, r1, r3             /* the channel */
    muls r0, r2, r0
    adds r0, r0, r5
    .if \is_grouped
    lsls r5, r1, #1
    adds r0, r0, r5
    .endif
    muls r1, r4, r1
    adds r1, r1, r6
    .endm

        @ r0 run, r1 next, r2 end; and where it stopped, out of the function: r4 next, r5 end, r6 run, r7 its
        @ divisor
    .macro scatter_by_calls kernel
    movs r4, r1
    movs r5, r2
    movs r6, r0
    movs r7, r0
    adds r7, #DASSDP_RUN_BY_CHANNELS
20: ldr r0, [r4]
    ldr r1, [r6, #DASSDP_RUN_BEGIN]
    ldr r2, [r6, #DASSDP_RUN_N]
    subs r0, r0, r1
    cmp r0, r2
    bhs 21f
    ldmia r7!, {r1-r3}
    muls r1, r0, r1
    adds r1, r1, r2
    lsrs r1, r1, r3             /* the place */
    ldmia r7!, {r2, r3}
    subs r7, #20
    muls r2, r1, r2
    subs r2, r0, r2             /* the channel */
    ldr r0, [r6, #DASSDP_RUN_PLACE_BYTES]
    muls r0, r1, r0
    adds r0, r0, r3
    ldr r1, [r6, #DASSDP_RUN_GROUP_BYTES]
    muls r1, r2, r1
    adds r0, r0, r1
    ldr r1, [r6, #DASSDP_RUN_CHANNEL_BYTES]
    muls r1, r2, r1
    ldr r3, [r6, #DASSDP_RUN_IMAGE]
    adds r1, r1, r3
    movs r2, r6
    movs r3, #1
    bl \kernel
    adds r4, #4
    cmp r4, r5
    bne 20b
21: movs r0, r4
    .endm

#endif
