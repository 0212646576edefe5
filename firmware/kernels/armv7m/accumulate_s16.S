/* dassdp_k_accumulate_s16: tiles of 8 columns in registers, four rows a round. Columns are a multiple
 * of 8, so there is no other tile. */
#include "asm.h"

#define ACC 0 /* the frame */
#define LIST 4
#define ROW_BYTES 8
#define ADDS 12
#define ENTRY 16
#define END 20
#define FRAME 24
#define SAVED 36

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
        push    {r4-r11, lr}
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
        end_function dassdp_k_accumulate_s16
