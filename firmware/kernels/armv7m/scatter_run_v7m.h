/* Spikes of a run, one after the other. */
#ifndef DASSDP_SCATTER_RUN_V7M_H
#define DASSDP_SCATTER_RUN_V7M_H

#include "asm.h"

next    .req    r4
end     .req    r5
run     .req    r6
place   .req    r7      /* bytes from place to place; then as dassdp_run_t has them */
group   .req    r8
channel .req    r9
first   .req    r10
n_run   .req    r11

        @ r0 run, r1 next, r2 end, and where it stopped; what is to be saved has been
        .macro  scatter_by_calls kernel
        mov     run, r0
        mov     next, r1
        mov     end, r2
        adds    r0, #DASSDP_RUN_PLACE_BYTES
        ldm     r0, {r7-r11}
20:     ldr     r12, [next]
        sub     r12, r12, first
        cmp     r12, n_run
        bhs     21f
        add     r3, run, #DASSDP_RUN_BY_CHANNELS
        ldm     r3, {r0-r3}
        mla     r0, r12, r0, r1
        lsr     r0, r0, r2              @ the place
        mls     r3, r0, r3, r12         @ the channel
        ldrd    r1, r2, [run, #DASSDP_RUN_ACC]
        mla     r0, r0, place, r1
        mla     r0, r3, group, r0
        mla     r1, r3, channel, r2
        mov     r2, run
        movs    r3, #1
        bl      \kernel
        adds    next, #4
        cmp     next, end
        bne     20b
21:     mov     r0, next
        .endm

#endif
