/* dassdp_k_accumulate_rows: tiles of 16 columns in registers, four rows a round; a last tile of
 * 8. A row is read from the list as soon as there is a register for it, before the last words of the one
 * before are added, which a Cortex-M7 does meanwhile; behind the last row one more word of the list is read.
 * One to four rows that are added to nothing: 8 columns a round, a pointer a row. UXTAB16 adds the even
 * bytes of four columns to lanes n0, n1, and the odd ones to n2, n3. Lanes are modulo 2^16; they start less
 * n_rows bias. */
#include "asm.h"

#define LAST 0 /* the frame: where the last tile of 16 columns may begin */
#define ACC 4
#define LIST 8
#define FIRST 12 /* row of the list */
#define START 16
#define ADDS 20
#define ENTRY 24
#define END 28 /* of the list */
#define FRAME 32
#define SAVED 36

        .macro  add_word even, odd, w
        uxtab16 \even, \even, \w
        uxtab16 \odd, \odd, \w, ror #8
        .endm

@ stack: 72 calls dassdp_k_accumulate_rows
        function dassdp_k_accumulate_s8
        push    {r4-r11, lr}
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldr     r5, [sp, #SAVED]
        subs    r4, #1
        lsl     r4, r3, r4
        bl      dassdp_k_accumulate_rows
        pop     {r4-r11, pc}
        end_function dassdp_k_accumulate_s8

/* For kernels, which save r4-r11 themselves: r0 row_bytes, r1 acc, r2 list, r3 its length, which
 * may be 0, r4 what every column loses, r5 adds. */
@ stack: 36
        function dassdp_k_accumulate_rows
        rsbs    r4, r4, #0
        pkhbt   r4, r4, r4, lsl #16
        cbnz    r5, 1f
        subs    r6, r3, #1
        cmp     r6, #4
        blo     10f
1:      adr     r8, 3f + 1              @ Thumb
        movs    r7, #(4f - 3f) / 4
        rsbs    r6, r3, #0              @ skip -n_rows % 4 rows of the first round, or all four
        ite     eq
        moveq   r6, #4
        andne   r6, r6, #3
        mla     r8, r7, r6, r8
        add     r9, r2, r3, lsl #2
        subs    r0, #16
        ldr     r3, [r2]
        push    {r0-r5, r8, r9, lr}
        mov     lr, #0
        blt     5f
1:      ldm     sp, {r0-r5}             @ last, acc, list, first, start, adds
        cbz     r5, 2f
        add     r1, r1, lr, lsl #1
        mov     r12, r4
        ldm     r1, {r4-r11}
        .irp    lanes, r4, r5, r6, r7, r8, r9, r10, r11
        uadd16  \lanes, \lanes, r12
        .endr
        ldr     pc, [sp, #ENTRY]
2:      .irp    lanes, r5, r6, r7, r8, r9, r10, r11
        mov     \lanes, r4
        .endr
        ldr     pc, [sp, #ENTRY]
        .balign 4
3:      .rept   4
        add     r3, lr
        ldm     r3, {r0, r1, r3, r12}
        add_word r4, r5, r0
        add_word r8, r9, r3
        ldr     r3, [r2, #4]!
        add_word r6, r7, r1
        add_word r10, r11, r12
        .endr
4:      ldr     r0, [sp, #END]
        cmp     r2, r0
        bne     3b
        ldrd    r0, r1, [sp]            @ last, acc
        add     r1, r1, lr, lsl #1
        stm     r1, {r4-r11}
        add     lr, lr, #16
        cmp     lr, r0
        ble     1b
        sub     r0, lr, r0
        cmp     r0, #16
        beq     9f
5:      ldm     sp, {r0-r5}
        add     r10, r1, lr, lsl #1
        cbz     r5, 6f
        mov     r12, r4
        ldm     r10, {r4-r7}
        .irp    lanes, r4, r5, r6, r7
        uadd16  \lanes, \lanes, r12
        .endr
        b       7f
6:      .irp    lanes, r5, r6, r7
        mov     \lanes, r4
        .endr
7:      ldr     r8, [sp, #END]
        cmp     r2, r8
        beq     8f
6:      add     r3, lr
        ldm     r3, {r0, r1}
        add_word r4, r5, r0
        ldr     r3, [r2, #4]!
        add_word r6, r7, r1
        cmp     r2, r8
        bne     6b
8:      stm     r10, {r4-r7}
9:      add     sp, #FRAME
        pop     {pc}

10:     push    {lr}
        add     r0, r1, r0, lsl #1      @ end of acc
        ldm     r2, {r8-r11}
        adr     r7, 12f
        movs    r2, #(12f - 11f) / 3
        mls     r7, r6, r2, r7
1:      ldm     r8!, {r2-r3}
        uxtab16 r5, r4, r2
        uxtab16 r6, r4, r2, ror #8
        uxtab16 r12, r4, r3
        uxtab16 lr, r4, r3, ror #8
        mov     pc, r7
        .balign 4
11:     .irp    row, r11, r10, r9
        ldm     \row!, {r2-r3}
        add_word r5, r6, r2
        add_word r12, lr, r3
        .endr
12:     stm     r1!, {r5, r6, r12, lr}
        cmp     r1, r0
        bne     1b
        pop     {pc}
        end_function dassdp_k_accumulate_rows
