/* dassdp_k_accumulate_s7: tiles of 8 columns in registers, eight rows a round; two rows add up in
 * bytes, 2 * 127 <= 254, before they are widened. The n_rows % 4 rows at the front of the list,
 * all where there are few, and the bias go through the kernel for 8 bits first. */
#include "offsets.h"

#define COLUMNS 0 /* the frame */
#define ACC 4
#define LIST 8
#define END 12
#define FRAME 16
#define SAVED 36
#define FEW 20 /* rows: fewer are faster so */

        .syntax unified
        .thumb

        .macro  widen even, odd, w
        uxtab16 \even, \even, \w
        uxtab16 \odd, \odd, \w, ror #8
        .endm

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

        .section .text.dassdp_k_accumulate_s7, "ax", %progbits
        .balign 4
        .global dassdp_k_accumulate_s7
        .type   dassdp_k_accumulate_s7, %function
        .thumb_func
@ stack: 84 calls dassdp_k_accumulate_rows
dassdp_k_accumulate_s7:
        push    {r4-r11, lr}
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldr     r5, [sp, #SAVED]
        subs    r4, #1
        lsl     r4, r3, r4
        add     r8, r2, r3, lsl #2
        cmp     r3, #FEW
        it      hs
        andhs   r3, r3, #3
        add     r7, r2, r3, lsl #2
        push    {r0, r1, r7, r8}
        bl      dassdp_k_accumulate_rows
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
        .size   dassdp_k_accumulate_s7, . - dassdp_k_accumulate_s7
