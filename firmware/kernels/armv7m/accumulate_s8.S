/* dassdp_k_accumulate_s8: tiles of 16 columns in registers, four rows a round; a last tile of 8.
 * Of four columns u0 u2 u1 u3 of a word w a tile keeps, modulo 2^32,
 *   E = sum of (w & 0x00FF00FF)   columns 0, 1
 *   B = sum of (w >> 8)           u2 + 2^8 u1 + 2^16 u3: columns 2, 3 when 2^8 (E >> 16) is off it.
 * Both start less the bias and plus 32768 in each lane. At the end lanes are 0 to 65535, so that
 * plain additions were exact; inverting bits 15 and 31 makes them int16. */
#include "asm.h"

#define ACC 0 /* the frame */
#define LAST 4 /* where the last tile of 16 columns may begin */
#define ADDS 8
#define LIST 12
#define ENTRY 16
#define END 20
#define START 24 /* of E; of B */
#define FRAME 32
#define SAVED 36

/* Four columns; w is lost. */
        .macro  add_word e, b, w
        add     \b, \b, \w, lsr #8
        and     \w, \w, #0x00FF00FF
        add     \e, \w
        .endm

        .macro  add_row_16
        ldr     r0, [r12], #4
        add     r0, lr
        ldm     r0, {r0-r3}
        add_word r4, r5, r0
        add_word r6, r7, r1
        add_word r8, r9, r2
        add_word r10, r11, r3
        .endm

        .macro  split_lanes e, b
        lsr     r3, \e, #16
        sub     \b, \b, r3, lsl #8
        .endm

/* Adds int16 lanes in memory: less 2^16 where the lower one is negative. */
        .macro  add_lanes lanes, offset
        ldr     r3, [r0, #\offset]
        add     \lanes, r3
        and     r3, r3, #0x8000
        sub     \lanes, \lanes, r3, lsl #1
        .endm

@ stack: 68
        function dassdp_k_accumulate_s8
        push    {r4-r11, lr}
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        add     r9, r2, r3, lsl #2
        subs    r4, #1
        lsl     r4, r3, r4
        rsb     r4, r4, #32768
        orr     r10, r4, r4, lsl #16
        add     r11, r10, r4, lsl #8
        mov     r7, r2
        rsbs    r3, r3, #0              @ skip -n_rows % 4 rows of the first round
        and     r3, r3, #3
        adr     r4, 2f + 1              @ Thumb
        movs    r5, #(3f - 2f) / 4
        mla     r8, r3, r5, r4
        ldr     r3, [sp, #SAVED]
        sub     r2, r0, #16
        push    {r1-r3, r7-r11}
        cmp     r2, #0
        mov     lr, #0
        blt     5f
1:      ldr     r12, [sp, #LIST]
        ldrd    r4, r5, [sp, #START]
        mov     r6, r4
        mov     r7, r5
        mov     r8, r4
        mov     r9, r5
        mov     r10, r4
        mov     r11, r5
        ldr     pc, [sp, #ENTRY]
        .balign 4
2:      .rept   4
        add_row_16
        .endr
3:      ldr     r0, [sp, #END]
        cmp     r12, r0
        bne     2b
        split_lanes r4, r5
        split_lanes r6, r7
        split_lanes r8, r9
        split_lanes r10, r11
        ldm     sp, {r0-r2}             @ acc, last, adds
        add     r0, r0, lr, lsl #1
        cmp     r2, #0
        bne     9f
4:      .irp    lanes, r4, r5, r6, r7, r8, r9, r10, r11
        eor     \lanes, \lanes, #0x80008000
        .endr
        stm     r0, {r4-r11}
        add     lr, lr, #16
        cmp     lr, r1
        ble     1b
        sub     r1, lr, r1
        cmp     r1, #16
        beq     8f
5:      ldr     r12, [sp, #LIST]
        ldrd    r4, r5, [sp, #START]
        ldr     r2, [sp, #END]
        mov     r6, r4
        mov     r7, r5
6:      ldr     r0, [r12], #4
        add     r0, lr
        ldm     r0, {r0-r1}
        add_word r4, r5, r0
        add_word r6, r7, r1
        cmp     r12, r2
        bne     6b
        split_lanes r4, r5
        split_lanes r6, r7
        ldm     sp, {r0-r2}
        add     r0, r0, lr, lsl #1
        cbz     r2, 7f
        add_lanes r4, 0
        add_lanes r5, 4
        add_lanes r6, 8
        add_lanes r7, 12
7:      .irp    lanes, r4, r5, r6, r7
        eor     \lanes, \lanes, #0x80008000
        .endr
        stm     r0, {r4-r7}
8:      add     sp, #FRAME
        pop     {r4-r11, pc}
9:      add_lanes r4, 0
        add_lanes r5, 4
        add_lanes r6, 8
        add_lanes r7, 12
        add_lanes r8, 16
        add_lanes r9, 20
        add_lanes r10, 24
        add_lanes r11, 28
        b       4b
        end_function dassdp_k_accumulate_s8
