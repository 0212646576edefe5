/* What accumulate_s8 and accumulate_p4 have in common: of the four words of a row's tile, parts of which
 * the mask r6 keeps, E_i sums these and A sums all of it as one number of 128 bits, the carry going round
 * (modulo 2^128 - 1) in the flag C, which nothing in the loop but ADCS changes. A - E then is the number
 * of the other parts' sums rotated left by their width: the carries out of the words are what the
 * rotation brings back.
 *
 * r1 r3 r5 r7 A, r8-r11 E, r4 list, lr its end, r12 bytes of the row done, r6 mask, r2 row, r0 word. */
#include "registers_v6m.h"

    .macro ROW
    ldmia r4!, {r2}
    add r2, r12
    ldmia r2!, {r0}
    adcs r1, r0
    ands r0, r6
    add r8, r0
    ldmia r2!, {r0}
    adcs r3, r0
    ands r0, r6
    add r9, r0
    ldmia r2, {r0, r2}
    adcs r5, r0
    ands r0, r6
    add r10, r0
    adcs r7, r2
    ands r2, r6
    add r11, r2
    .endm
#define ROW_CODE 34

    .macro TAKE_KEPT all, kept
    mov r2, \kept
    sbcs \all, r2
    .endm

    .macro ROTATE all, next, bits
    lsrs \all, \all, #\bits
    lsls r0, \next, #32 - \bits
    orrs \all, r0
    .endm

/* A, less E, and rotated back; r0 is 0 and C the carry out of the last word. */
    .macro SEPARATE bits
    TAKE_KEPT r1, r8
    TAKE_KEPT r3, r9
    TAKE_KEPT r5, r10
    TAKE_KEPT r7, r11
    adcs r1, r0                 /* C at the end less C at the start, 0 */
    lsls r6, r1, #32 - \bits
    ROTATE r1, r3, \bits
    ROTATE r3, r5, \bits
    ROTATE r5, r7, \bits
    lsrs r7, r7, #\bits
    orrs r7, r6
    .endm
