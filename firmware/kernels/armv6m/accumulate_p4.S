/* dassdp_k_accumulate_p4 for ARMv6-M: tiles of 32 columns, three instructions for every eight weights.
 * E_i are the low nibbles' sums, bytes, what is left the high ones'. Up to 16 rows add up so, from 1 on
 * (1 + 16 * 15 < 256; without it nothing might be left), before they are widened into the sums in memory.
 * These start at 32768 - n bias - 1 for each time that rows were added up, so that no lane leaves 0..65535
 * in the end, and end with EOR 0x80008000.
 *
 * Where less than 32 columns are left, L and H of each word w of eight columns sum w & 0x0F0F0F0F and
 * w >> 4: high nibbles when 2^4 (L >> 8) is off H. */
#include "accumulate_v6m.h"

#define LIST 0                  /* the frame: rows that add up now */
#define UNTIL 4
#define ENTRY 8
#define END 12
#define ACC 16
#define ACC_END 20
#define ROW_BYTES 24
#define AT 28                   /* sums of the next columns */
#define FRAME 32
#define ADDS 68

    /* the bytes of a word into four sums; r6 0x00FF00FF; r2, r4 are lost */
    .macro ADD_BYTES word, at
    lsrs r2, \word, #8
    ands r2, r6
    ands \word, r6
    ldr r4, [r0, #\at]
    adds \word, \word, r4
    ldr r4, [r0, #\at + 4]
    adds r2, r2, r4
    str \word, [r0, #\at]
    str r2, [r0, #\at + 4]
    .endm

    .macro NEXT_COLUMNS n
    adds r0, #2 * \n
    str r0, [sp, #AT]
    movs r0, #\n / 2
    add r12, r0
    b .Lnext_tile
    .endm

    /* r0 list, lr its end, r1 r2 words, r4 mask, r5 L, r6 H, r7 L, r8 H */
    .macro SHORT_TILE words
    ldr r0, [sp, #LIST]
    ldr r1, [sp, #UNTIL]
    mov lr, r1
    ldr r5, .Lone_each
    ldr r6, .Lone_each_high
    .if \words == 2
    movs r7, r5
    mov r8, r6
    .endif
    ldr r4, .Lnibbles
1:  ldmia r0!, {r1}
    add r1, r12
    .if \words == 2
    ldmia r1, {r1, r2}
    .else
    ldr r1, [r1]
    .endif
    lsrs r3, r1, #4
    adds r6, r6, r3
    ands r1, r4
    adds r5, r5, r1
    .if \words == 2
    lsrs r3, r2, #4
    add r8, r3
    ands r2, r4
    adds r7, r7, r2
    .endif
    cmp r0, lr
    bne 1b
    lsrs r1, r5, #8
    lsls r1, r1, #4
    subs r3, r6, r1
    .if \words == 2
    lsrs r2, r7, #8
    lsls r2, r2, #4
    mov r1, r8
    subs r1, r1, r2
    .endif
    ldr r0, [sp, #AT]
    ldr r6, .Leven_lanes
    ADD_BYTES r5, 0
    ADD_BYTES r3, 8
    .if \words == 2
    ADD_BYTES r7, 16
    ADD_BYTES r1, 24
    .endif
    NEXT_COLUMNS 8 * \words
    .endm

/* void dassdp_k_accumulate_p4(projection, acc, rows, n_rows, adds, image) */
@ stack: 68
    function dassdp_k_accumulate_p4
    save_registers
    sub sp, #FRAME
    ldr r0, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    str r0, [sp, #ROW_BYTES]
    str r1, [sp, #ACC]
    lsls r5, r3, #2
    adds r5, r5, r2
    str r5, [sp, #END]
    lsls r0, r0, #2
    adds r0, r0, r1
    str r0, [sp, #ACC_END]
    movs r4, r3
    adds r4, r4, #15
    lsrs r4, r4, #4
    lsls r3, r3, #3
    adds r4, r4, r3
    lsls r3, r4, #16
    orrs r4, r3
    ldr r7, .Lsigns
    ldr r5, [sp, #ADDS]
    cmp r5, #0
    bne 2f
    subs r4, r7, r4
    movs r5, r4
    movs r6, r4
    movs r7, r4
1:  stmia r1!, {r4-r7}
    cmp r1, r0
    bne 1b
    b .Lnext_list
2:  ldr r3, [r1]
    ldr r5, [r1, #4]
    eors r3, r7
    eors r5, r7
    subs r3, r3, r4
    subs r5, r5, r4
    stmia r1!, {r3, r5}
    cmp r1, r0
    bne 2b
.Lnext_list:                    /* r2 the next row */
    str r2, [sp, #LIST]
    ldr r1, [sp, #END]
    subs r1, r1, r2
    cmp r1, #64
    bls 1f
    movs r1, #64
1:  adds r2, r2, r1
    str r2, [sp, #UNTIL]
    rsbs r1, r1, #0             /* skip -n % 4 rows of the first round */
    lsls r1, r1, #28
    lsrs r1, r1, #30
    movs r0, #ROW_CODE
    muls r1, r0, r1
    adr r0, .Lrows
    adds r0, r0, r1
    str r0, [sp, #ENTRY]
    ldr r0, [sp, #ACC]
    str r0, [sp, #AT]
    movs r0, #0
    mov r12, r0
.Lnext_tile:
    ldr r0, [sp, #ROW_BYTES]
    mov r1, r12
    subs r0, r0, r1
    movs r1, #15
    cmp r1, r0
    blo 1f                      /* C is 0 */
    b .Lshort
1:  ldr r0, [sp, #UNTIL]
    mov lr, r0
    ldr r4, [sp, #LIST]
    ldr r0, .Lone_each
    mov r8, r0
    mov r9, r0
    mov r10, r0
    mov r11, r0
    ldr r1, .Lone_in_all
    movs r3, r1
    movs r5, r1
    movs r7, r1
    ldr r6, .Lnibbles
    ldr r0, [sp, #ENTRY]
    mov pc, r0
    .balign 4
.Lrows:
    ROW
    ROW
    ROW
    ROW
    mov r0, lr
    eors r0, r4
    bne .Lrows
    SEPARATE 4
    ldr r6, .Leven_lanes
    ldr r0, [sp, #AT]
    ADD_BYTES r1, 8
    ADD_BYTES r3, 24
    ADD_BYTES r5, 40
    ADD_BYTES r7, 56
    mov r1, r8
    mov r3, r9
    mov r5, r10
    mov r7, r11
    ADD_BYTES r1, 0
    ADD_BYTES r3, 16
    ADD_BYTES r5, 32
    ADD_BYTES r7, 48
    NEXT_COLUMNS 32

.Lshort:
    cmp r0, #4
    blo .Lend_list
    beq .Lone_word
    SHORT_TILE 2
.Lone_word:
    SHORT_TILE 1

.Lend_list:
    ldr r2, [sp, #UNTIL]
    ldr r0, [sp, #END]
    cmp r2, r0
    beq 1f
    b .Lnext_list
1:  ldr r0, [sp, #ACC]
    ldr r1, [sp, #ACC_END]
    ldr r6, .Lsigns
2:  ldr r2, [r0]
    ldr r3, [r0, #4]
    ldr r4, [r0, #8]
    ldr r5, [r0, #12]
    eors r2, r6
    eors r3, r6
    eors r4, r6
    eors r5, r6
    stmia r0!, {r2-r5}
    cmp r0, r1
    bne 2b
    add sp, #FRAME
    restore_registers
    .balign 4
.Lnibbles:
    .word 0x0F0F0F0F
.Lone_each:
    .word 0x01010101
.Lone_each_high:
    .word 0x01111111            /* of H: 1 in each byte, and 2^4 (L >> 8) */
.Lone_in_all:
    .word 0x11111111            /* 1 in each nibble */
.Leven_lanes:
    .word 0x00FF00FF
.Lsigns:
    .word 0x80008000
    end_function dassdp_k_accumulate_p4
