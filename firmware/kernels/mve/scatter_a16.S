/* dassdp_k_scatter_a16: eight columns a round, their bytes gathered in natural order; times of any size
 * multiplies modulo 2^16. */
#include "mve.h"

/* r0 acc, r1 row, r2 n_columns, r3 times, r4 rows, r5, r6 bytes from row to row: sums, weights, r7, r8
 * acc and weights of a round, lr columns left; q0 lanes */
@ stack: 24
    function dassdp_k_scatter_a16
    push {r4-r8, lr}
    adr r7, 9f
    vldrb.u16 q0, [r7]
    ldm r2, {r2, r4-r6}
    add r5, r5, r2, lsl #1
    add r6, r6, r2
1:  mov r7, r0
    mov r8, r1
    dlstp.16 lr, r2
2:  vldrb.s16 q1, [r8, q0]
    vldrh.u16 q2, [r7]
    adds r8, #8
    vmla.s16 q2, q1, r3
    vstrh.16 q2, [r7], #16
    letp lr, 2b
    subs r4, #1
    add r0, r0, r5
    add r1, r1, r6
    bne 1b
    pop {r4-r8, pc}
    lane_table
    end_function dassdp_k_scatter_a16

    .section .rodata.dassdp_k_scatter_a16_zero, "a", %progbits
    .balign 4
    .global dassdp_k_scatter_a16_zero
    .type dassdp_k_scatter_a16_zero, %object
dassdp_k_scatter_a16_zero:
    .word 0
    .size dassdp_k_scatter_a16_zero, 4
