/* dassdp_k_rows for ARMv6-M. The index of the lowest set bit is that of a de Bruijn product. */
#include "asm.h"

/* uint32_t dassdp_k_rows(dassdp_cursor_t *cursor, dassdp_row_t *rows)
 * r0 word, r1 rows, r2 spk_bits, r3 bit, r4 row, r5 row_bytes, r6 table, r7 de Bruijn sequence,
 * r12 end of spk_bits, lr rows + DASSDP_ROWS_FULL. */
@ stack: 28
    function dassdp_k_rows
    push {r0, r1, r4-r7, lr}
    ldr r2, [r0, #DASSDP_CURSOR_SPK_BITS]
    ldr r3, [r0, #DASSDP_CURSOR_N_WORDS]
    ldr r4, [r0, #DASSDP_CURSOR_ROW]
    ldr r5, [r0, #DASSDP_CURSOR_ROW_BYTES]
    adr r6, .Lindices
    ldr r7, .Lsequence
    lsls r3, r3, #2
    adds r3, r3, r2
    mov r12, r3
    movs r3, #1
    lsls r3, r3, #8             /* DASSDP_LIST_FULL_BYTES */
    adds r3, r3, r1
    mov lr, r3
    b 3f
1:  ldmia r2!, {r0}
    rsbs r3, r0, #0
    beq 4f
2:  ands r3, r0
    eors r0, r3
    muls r3, r7, r3
    lsrs r3, r3, #27
    ldrb r3, [r6, r3]
    muls r3, r5, r3
    adds r3, r3, r4
    stmia r1!, {r3}
    rsbs r3, r0, #0
    bne 2b
4:  lsls r3, r5, #5
    adds r4, r4, r3
    cmp r1, lr
    bhi 5f
3:  cmp r2, r12
    bne 1b
5:  pop {r0, r3}
    subs r3, r1, r3
    str r2, [r0, #DASSDP_CURSOR_SPK_BITS]
    mov r1, r12
    subs r1, r1, r2
    lsrs r1, r1, #2
    str r1, [r0, #DASSDP_CURSOR_N_WORDS]
    str r4, [r0, #DASSDP_CURSOR_ROW]
    lsrs r0, r3, #2
    pop {r4-r7, pc}
    .balign 4
.Lsequence:
    .word 0x077CB531
.Lindices:
    .byte 0, 1, 28, 2, 29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4, 8
    .byte 31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6, 11, 5, 10, 9
    end_function dassdp_k_rows
