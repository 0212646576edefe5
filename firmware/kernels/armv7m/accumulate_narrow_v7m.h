/* accumulate_s6 and accumulate_s7: rows are added in bytes, four or two at once, before they are
 * widened. A tile is 8 columns: two words a row, loaded at two offsets from the row. Lanes are those
 * of accumulate_s8.S. */
#include "asm.h"

#define ROW_BYTES 0 /* the frame */
#define START 4     /* of E, B, E, B */
#define LIST 20
#define ACC 24
#define ADDS 28
#define SINGLES 32 /* where the first n_rows % 4 rows end in the list */
#define ENTRY 36   /* of a tile; behind those rows */
#define FRAME 44
#define SAVED 36

/* r4 E, r5 B, r6 E, r7 B; r10, r11 offsets of the words; r12 list, lr its end */
        .macro  widen w, x
        add     r5, r5, \w, lsr #8
        and     \w, \w, #0x00FF00FF
        add     r4, \w
        add     r7, r7, \x, lsr #8
        and     \x, \x, #0x00FF00FF
        add     r6, \x
        .endm

        .macro  add_rows_4 bits
        ldm     r12!, {r0-r3}
        ldr     r8, [r0, r10]
        ldr     r0, [r0, r11]
        ldr     r9, [r1, r10]
        ldr     r1, [r1, r11]
        add     r8, r9
        add     r0, r1
        .if     \bits == 7
        widen   r8, r0
        .endif
        ldr     r9, [r2, r10]
        ldr     r2, [r2, r11]
        ldr     r1, [r3, r10]
        ldr     r3, [r3, r11]
        .if     \bits == 7
        add     r9, r1
        add     r2, r3
        widen   r9, r2
        .else
        add     r8, r9
        add     r0, r2
        add     r8, r1
        add     r0, r3
        widen   r8, r0
        .endif
        .endm

/* Adds int16 lanes in memory: less 2^16 where the lower one is negative. */
        .macro  add_lanes lanes, offset
        ldr     r1, [r0, #\offset]
        add     \lanes, r1
        and     r1, r1, #0x8000
        sub     \lanes, \lanes, r1, lsl #1
        .endm

        .macro  accumulate_narrow bits
        function dassdp_k_accumulate_s\bits
        push    {r4-r11, lr}
        ldrb    r4, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        ldr     r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        subs    r4, #1
        lsl     r4, r3, r4
        rsb     r5, r4, #0x8000
        orr     r4, r5, r5, lsl #16
        add     r5, r4, r5, lsl #8
        mov     r6, r4
        mov     r7, r5
        add     lr, r2, r3, lsl #2
        mov     r12, r2
        adr     r9, 2f + 1              @ Thumb
        lsrs    r8, r3, #3              @ an odd number of fours: begin with the second
        it      cs
        adrcs   r9, 3f + 1
        cmp     r3, #4
        it      lo
        adrlo   r9, 4f + 1
        mov     r8, r9
        ands    r3, r3, #3
        it      ne
        adrne   r8, 5f + 1
        add     r3, r2, r3, lsl #2
        ldr     r2, [sp, #SAVED]
        push    {r1-r3, r8, r9}         @ from ACC
        push    {r0, r4-r7, r12}
        mov     r10, #0
        mov     r11, #4
        ldr     pc, [sp, #ENTRY]
        .balign 4
2:      add_rows_4 \bits
        .balign 4
3:      add_rows_4 \bits
        cmp     r12, lr
        bne     2b
        .balign 4
4:      lsr     r8, r4, #16
        sub     r5, r5, r8, lsl #8
        lsr     r8, r6, #16
        sub     r7, r7, r8, lsl #8
        ldrd    r0, r1, [sp, #ACC]      @ adds
        add     r0, r0, r10, lsl #1
        cbnz    r1, 8f
7:      eor     r4, r4, #0x80008000
        eor     r5, r5, #0x80008000
        eor     r6, r6, #0x80008000
        eor     r7, r7, #0x80008000
        stm     r0, {r4-r7}
        add     r10, r10, #8
        add     r11, r11, #8
        ldm     sp, {r0, r4-r7, r12}    @ from ROW_BYTES to LIST
        cmp     r10, r0
        it      ne
        ldrne   pc, [sp, #ENTRY]
        add     sp, #FRAME
        pop     {r4-r11, pc}
8:      add_lanes r4, 0
        add_lanes r5, 4
        add_lanes r6, 8
        add_lanes r7, 12
        b       7b
        .balign 4
5:      ldr     r3, [sp, #SINGLES]
        .if     \bits == 7
6:      ldr     r2, [r12], #4
        ldr     r8, [r2, r10]
        ldr     r2, [r2, r11]
        widen   r8, r2
        cmp     r12, r3
        bne     6b
        .else
        mov     r8, #0
        movs    r0, #0
6:      ldr     r2, [r12], #4
        ldr     r9, [r2, r10]
        ldr     r1, [r2, r11]
        add     r8, r9
        add     r0, r1
        cmp     r12, r3
        bne     6b
        widen   r8, r0
        .endif
        ldr     pc, [sp, #ENTRY + 4]
        end_function dassdp_k_accumulate_s\bits
        .endm
