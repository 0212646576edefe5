/* accumulate_p4: two weights to a byte. Up to 17 rows add up in bytes, 17 * 15 = 255, before they are
 * widened into the sums in memory. Of each word w of eight columns, modulo 2^32,
 *   L = sum of (w & 0x0F0F0F0F)   columns 0 to 3
 *   H = sum of (w >> 4)           columns 4 to 7 when 2^4 (L >> 8) is off it.
 * The file that includes this says what lanes of sums are: bias_lanes, from the bias in r4 what take_up
 * adds to lanes that are kept, first_lanes what others begin with; widen adds bytes, end_sums ends. */
#include "asm.h"

#define LIST 0 /* the frame: rows that add up now */
#define UNTIL 4
#define ENTRY 8 /* of a tile of 32 columns, behind its first row */
#define END 12
#define ACC 16
#define ROW_BYTES 20
#define FRAME 24
#define SAVED 36
#define ROW_CODE 48 /* of add_row 4 */

        .macro  add_word l, h, w
        add     \h, \h, \w, lsr #4
        and     \w, \w, #0x0F0F0F0F
        add     \l, \w
        .endm

        .macro  first_word l, h, w
        lsr     \h, \w, #4
        and     \l, \w, #0x0F0F0F0F
        .endm

/* Words of the next row from r12 on, at lr: r0 and r1 to r3 are lost. */
        .macro  row words, word
        ldr     r0, [r12], #4
        .if     \words == 1
        ldr     r0, [r0, lr]
        .else
        add     r0, lr
        .if     \words == 2
        ldm     r0, {r0-r1}
        .else
        ldm     r0, {r0-r3}
        .endif
        .endif
        \word   r4, r5, r0
        .if     \words > 1
        \word   r6, r7, r1
        .endif
        .if     \words > 2
        \word   r8, r9, r2
        \word   r10, r11, r3
        .endif
        .endm

/* The bytes of a word into eight sums at r0, which moves on. */
        .macro  add_bytes l, h
        lsr     r1, \l, #8
        sub     \h, \h, r1, lsl #4
        ldm     r0, {r1-r3, r12}
        widen   r1, r2, \l
        widen   r3, r12, \h
        stm     r0!, {r1-r3, r12}
        .endm

/* Sums at r1 to lr begin: r4 the bias of all rows, r5 adds; by r3 to r12. */
        .macro  begin_sums
        bias_lanes
        mov     r0, r1
        cbnz    r5, 2f
        first_lanes
        mov     r6, r4
        mov     r7, r4
        mov     r8, r4
1:      stm     r0!, {r4, r6-r8}
        cmp     r0, lr
        bne     1b
        b       3f
2:      ldm     r0, {r6-r9}
        .irp    lanes, r6, r7, r8, r9
        take_up \lanes
        .endr
        stm     r0!, {r6-r9}
        cmp     r0, lr
        bne     2b
3:
        .endm

/* One word or two of each row, where less than a tile is left. */
        .macro  short_tile words
        ldr     r12, [sp, #LIST]
        row     \words, first_word
        ldr     r2, [sp, #UNTIL]
        b       2f
1:      row     \words, add_word
2:      cmp     r12, r2
        bne     1b
        ldr     r0, [sp, #ACC]
        add     r0, r0, lr, lsl #2
        add_bytes r4, r5
        .if     \words == 2
        add_bytes r6, r7
        .endif
        add     lr, lr, #4 * \words
        .endm

        .macro  accumulate_p4
        function dassdp_k_accumulate_p4
        push    {r4-r11, lr}
        ldr     lr, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldr     r5, [sp, #SAVED]        @ adds
        lsls    r4, r3, #3              @ the bias of all rows
        add     r6, r2, r3, lsl #2
        sub     sp, #FRAME
        str     r6, [sp, #END]
        str     r1, [sp, #ACC]
        str     lr, [sp, #ROW_BYTES]
        add     lr, r1, lr, lsl #2      @ end of acc
        begin_sums                      @ r2 is the list
10:     str     r2, [sp, #LIST]         @ the next rows, at most 17
        ldr     r3, [sp, #END]
        subs    r1, r3, r2
        cmp     r1, #68
        it      hi
        movhi   r1, #68
        add     r2, r1
        str     r2, [sp, #UNTIL]
        subs    r1, #4
        and     r1, r1, #12
        adr     r0, 13f + 1             @ Thumb
        movs    r3, #ROW_CODE / 4
        mls     r0, r1, r3, r0
        str     r0, [sp, #ENTRY]
        ldr     r0, [sp, #ROW_BYTES]
        mov     lr, #0
        b       14f
11:     ldr     r12, [sp, #LIST]
        row     4, first_word
        ldr     pc, [sp, #ENTRY]
        .balign 4
12:     .rept   4
        row     4, add_word
        .endr
13:     ldr     r0, [sp, #UNTIL]
        cmp     r12, r0
        bne     12b
        ldr     r0, [sp, #ACC]
        add     r0, r0, lr, lsl #2
        add_bytes r4, r5
        add_bytes r6, r7
        add_bytes r8, r9
        add_bytes r10, r11
        add     lr, lr, #16
        ldr     r0, [sp, #ROW_BYTES]
14:     sub     r1, r0, lr
        cmp     r1, #16
        bhs     11b
        lsls    r1, r1, #29             @ two words to carry, one to sign
        bcc     15f
        str     r1, [sp, #ENTRY]
        short_tile 2
        ldr     r1, [sp, #ENTRY]
        cmp     r1, #0
15:     bpl     16f
        short_tile 1
16:     ldr     r2, [sp, #UNTIL]
        ldr     r3, [sp, #END]
        cmp     r2, r3
        bne     10b
        ldr     r1, [sp, #ACC]
        ldr     lr, [sp, #ROW_BYTES]
        add     lr, r1, lr, lsl #2
        end_sums                        @ r1 to lr
        add     sp, #FRAME
        pop     {r4-r11, pc}
        end_function dassdp_k_accumulate_p4
        .endm
