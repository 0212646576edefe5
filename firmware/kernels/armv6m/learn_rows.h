/* Plastic rows for ARMv6-M, four weights at a time. With lanes of 16 bits d = dw_q8 + 32768,
 * (d + u) >> 8 is the step + 128, a byte D for every weight; then W + D - 0x80808080 holds the new
 * biased weights, exact as a whole word if each of them fits. If any does not, the lowest such byte is
 * right, which the check sees, and the four are done one by one. Packed: of a word of nibbles the low ones,
 * then the high ones, so.
 *
 * The including file defines FITS: r2 = W + D - 0x80808080 from r1 D and r4 W, flags EQ if all fit;
 * DELTA: r1 D and r4 W again; CONSTANT: r0, that FITS finds in r9. */
#define DW 0                  /* the frame */
#define ROW_BYTES 4
#define LIST_END 8
#define RNG 48

    .macro LEARN_FOUR clip, packed, shift
    lsls r3, r0, #13
    eors r0, r3
    lsrs r3, r0, #17
    eors r0, r3
    lsls r3, r0, #5
    eors r0, r3
    ldmia r7!, {r1, r2}
    mov r3, r8
    eors r1, r3
    eors r2, r3
    movs r3, r6
    ands r3, r0
    adds r1, r1, r3
    lsrs r3, r0, #8
    ands r3, r6
    adds r2, r2, r3
    lsrs r1, r1, #8
    ands r1, r6
    bics r2, r6
    adds r1, r1, r2
    ldr r4, [r5]
    .if \packed
    .if \shift
    lsrs r4, r4, #4
    .endif
    mov r3, r9
    bics r4, r3
    .endif
    FITS
    bne \clip
    .if !\packed
    stmia r5!, {r2}
    .endif
    .endm

    /* r2 into the low nibbles of a word, or into the high ones and on; r3 is 0xF0F0F0F0 */
    .macro STORE_NIBBLES shift
    ldr r4, [r5]
    .if \shift
    bics r4, r3
    lsls r2, r2, #4
    orrs r2, r4
    stmia r5!, {r2}
    .else
    ands r4, r3
    orrs r4, r2
    str r4, [r5]
    .endif
    .endm

/* void name(projection, rows, n_rows, dw_q8, rng, image)
 * r0 random, r1 r2 even and odd lanes, r4 W, r5 weights, r6 mask, r7 dw_q8, r8 0x80008000, r9 of
 * FITS, r10 largest biased weight, r11 list, r12 end of the row. */
    .macro LEARN_ROWS name, packed=0
    function \name
    save_registers
    ldr r4, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    ldrb r5, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
    mov r11, r1
    lsls r2, r2, #2
    adds r1, r1, r2             /* LIST_END */
    movs r0, r3
    movs r2, r1
    movs r1, r4
    push {r0-r2}
    movs r0, #1
    lsls r0, r5
    subs r0, r0, #1
    mov r10, r0
    ldr r0, .Lsigns
    mov r8, r0
    CONSTANT
    mov r9, r0
    ldr r6, .Leven_lanes
    ldr r0, [sp, #RNG]
    ldr r0, [r0]
.Lnext_row:
    mov r3, r11
    ldmia r3!, {r5}
    mov r11, r3
    ldr r4, [sp, #ROW_BYTES]
    adds r4, r4, r5
    mov r12, r4
    ldr r7, [sp, #DW]
1:  LEARN_FOUR .Lclip_first, \packed, 0
2:
    .if \packed
    STORE_NIBBLES 0
    .endif
    LEARN_FOUR .Lclip_second, \packed, 4
3:
    .if \packed
    STORE_NIBBLES 4
    .endif
    cmp r5, r12
    bne 1b
    ldr r3, [sp, #LIST_END]
    cmp r3, r11
    bne .Lnext_row
    ldr r1, [sp, #RNG]
    str r0, [r1]
    add sp, #12
    restore_registers

.Lclip_first:
    bl .Lclip
    b 2b
.Lclip_second:
    bl .Lclip
    b 3b
.Lclip:
    DELTA
    .if \packed
    movs r6, #1                 /* behind the four, of which each goes in at the top */
    lsls r6, r6, #31
    .endif
4:  uxtb r2, r4
    uxtb r3, r1
    adds r2, r2, r3
    subs r2, r2, #128
    bpl 5f
    movs r2, #0
5:  cmp r2, r10
    ble 6f
    mov r2, r10
6:
    .if \packed
    lsls r2, r2, #24
    lsrs r4, r4, #8
    lsrs r1, r1, #8
    lsrs r6, r6, #8
    orrs r6, r2
    bcc 4b
    movs r2, r6
    ldr r6, .Leven_lanes
    mov r3, r9
    .else
    strb r2, [r5]
    adds r5, r5, #1
    lsrs r4, r4, #8
    lsrs r1, r1, #8
    lsls r2, r5, #30            /* words of weights are aligned */
    bne 4b
    .endif
    bx lr
    .balign 4
.Leven_lanes:
    .word 0x00FF00FF
.Lsigns:
    .word 0x80008000
.Lbyte_signs:
    .word 0x80808080
    end_function \name
    .endm
