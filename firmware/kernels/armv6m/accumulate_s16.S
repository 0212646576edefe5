/* dassdp_k_accumulate_s16 for ARMv6-M: tiles of 8 columns in registers, four rows a round. Columns are
 * a multiple of 8, so there is no other tile. */
#include "registers_v6m.h"

#define ACC 0                 /* the frame */
#define LIST 4
#define ENTRY 8
#define END 12
#define ROW_BYTES 16
#define FRAME 20
#define ADDS 56

    .macro ADD_WORD even, odd, w
    sxth r3, \w
    add \even, r3
    asrs \w, \w, #16
    add \odd, \w
    .endm

    .macro ROW
    ldmia r4!, {r2}
    add r2, r12
    ldmia r2!, {r0, r1}
    ADD_WORD r5, r6, r0
    ADD_WORD r7, r8, r1
    ldmia r2!, {r0, r1}
    ADD_WORD r9, r10, r0
    ADD_WORD r11, lr, r1
    .endm
#define ROW_CODE 40

/* void dassdp_k_accumulate_s16(projection, acc, rows, n_rows, adds, image)
 * r5-r11, lr sums, r4 list, r12 bytes done of a row, r2 row, r0, r1 words, r3 a column. */
@ stack: 56
    function dassdp_k_accumulate_s16
    save_registers
    ldr r7, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    lsls r6, r3, #2
    adds r6, r6, r2             /* END */
    rsbs r3, r3, #0             /* skip -n_rows % 4 rows of the first round */
    movs r0, #3
    ands r3, r0
    movs r0, #ROW_CODE
    muls r3, r0, r3
    adr r5, .Lrows
    adds r5, r5, r3             /* ENTRY */
    movs r4, r2                 /* LIST */
    movs r3, r1                 /* ACC */
    push {r3-r7}
    movs r0, #0
.Lnext_tile:
    mov r12, r0
    ldr r0, [sp, #ADDS]
    cmp r0, #0
    bne .Ladd_to_sums
    movs r5, r0
    movs r6, r0
    movs r7, r0
    mov r8, r0
    mov r9, r0
    mov r10, r0
    mov r11, r0
    mov lr, r0
.Lenter:
    ldr r4, [sp, #LIST]
    ldr r0, [sp, #ENTRY]
    mov pc, r0

.Ladd_to_sums:
    ldmia r3!, {r5-r7}
    ldmia r3!, {r0-r2}
    mov r8, r0
    mov r9, r1
    mov r10, r2
    ldmia r3!, {r0, r1}
    mov r11, r0
    mov lr, r1
    b .Lenter

    .balign 4
.Lrows:
    ROW
    ROW
    ROW
    ROW
    ldr r0, [sp, #END]
    cmp r4, r0
    bne .Lrows
    ldr r3, [sp, #ACC]
    mov r0, r8
    mov r1, r9
    mov r2, r10
    stmia r3!, {r5-r7}
    stmia r3!, {r0-r2}
    mov r0, r11
    mov r1, lr
    stmia r3!, {r0, r1}
    str r3, [sp, #ACC]
    movs r0, #16
    add r0, r12
    ldr r1, [sp, #ROW_BYTES]
    cmp r0, r1
    bne .Lnext_tile
    add sp, #FRAME
    restore_registers
    end_function dassdp_k_accumulate_s16
