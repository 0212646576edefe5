/* dassdp_k_accumulate_s16: tiles of 8 columns in registers, four rows a round. Columns are a multiple
 * of 8, so there is no other tile. One to three rows: row by row over all sums. */
#include "asm.h"

#define ACC 0 /* the frame */
#define LIST 4
#define ROW_BYTES 8
#define ADDS 12
#define ENTRY 16
#define END 20
#define FRAME 24
#define SAVED 36
#define ROW_BYTES_OF_FEW 8 /* behind where the sums begin and the list ends */
#define FRAME_OF_FEW 12

/* Two columns; without SXTAH w is lost. */
        .macro  add_word even, odd, w
        add     \odd, \odd, \w, asr #16
#ifdef __ARM_FEATURE_DSP
        sxtah   \even, \even, \w
#else
        sxth    \w, \w
        add     \even, \w
#endif
        .endm

@ stack: 60
        function dassdp_k_accumulate_s16
        cmp     r3, #3
        push    {r4-r11, lr}
        bls     5f
        ldr     r6, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldr     r7, [sp, #SAVED]
        mov     r4, r1
        mov     r5, r2
        add     r9, r2, r3, lsl #2
        rsbs    r3, r3, #0              @ skip -n_rows % 4 rows of the first round
        and     r3, r3, #3
        adr     r8, 3f + 1              @ Thumb
        movs    r0, #(4f - 3f) / 4
        mla     r8, r3, r0, r8
        push    {r4-r9}
        movs    r0, r4
        mov     lr, #0
1:      ldrd    r2, r3, [sp, #ROW_BYTES] @ and adds
        ldr     r12, [sp, #LIST]
        cbnz    r3, 2f
        .irp    sum, r4, r5, r6, r7, r8, r9, r10, r11
        mov     \sum, r3
        .endr
        ldr     pc, [sp, #ENTRY]
2:      ldm     r0, {r4-r11}
        ldr     pc, [sp, #ENTRY]
        .balign 4
3:      .rept   4
        ldr     r0, [r12], #4
        add     r0, lr
        ldm     r0, {r0-r3}
        add_word r4, r5, r0
        add_word r6, r7, r1
        add_word r8, r9, r2
        add_word r10, r11, r3
        .endr
4:      ldr     r0, [sp, #END]
        cmp     r12, r0
        bne     3b
        ldr     r0, [sp, #ACC]
        ldr     r1, [sp, #ROW_BYTES]
        stm     r0!, {r4-r11}
        str     r0, [sp, #ACC]
        add     lr, lr, #16
        cmp     lr, r1
        bne     1b
        add     sp, #FRAME
        pop     {r4-r11, pc}

@ r1 acc, r2 list, r3 row, lr its end, r0, r12 words, r4-r11 sums
5:      ldr     r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
        ldr     r5, [sp, #SAVED]        @ adds
        add     r3, r2, r3, lsl #2
        push    {r1, r3, r4}
        ldr     r3, [r2], #4
        add     lr, r3, r4
        cbnz    r5, 7f
6:      ldm     r3!, {r4, r6, r8, r10}
        asrs    r5, r4, #16
        sxth    r4, r4
        asrs    r7, r6, #16
        sxth    r6, r6
        asr     r9, r8, #16
        sxth    r8, r8
        asr     r11, r10, #16
        sxth    r10, r10
        stm     r1!, {r4-r11}
        cmp     r3, lr
        bne     6b
        b       8f
7:      ldm     r1, {r4-r11}
        ldm     r3!, {r0, r12}
        add_word r4, r5, r0
        add_word r6, r7, r12
        ldm     r3!, {r0, r12}
        add_word r8, r9, r0
        add_word r10, r11, r12
        stm     r1!, {r4-r11}
        cmp     r3, lr
        bne     7b
8:      ldrd    r1, r0, [sp]            @ acc, end of the list
        cmp     r2, r0
        ldr     lr, [sp, #ROW_BYTES_OF_FEW]
        beq     9f
        ldr     r3, [r2], #4
        add     lr, r3
        b       7b
9:      add     sp, #FRAME_OF_FEW
        pop     {r4-r11, pc}
        end_function dassdp_k_accumulate_s16
