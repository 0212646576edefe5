/* learn_rows_s4 and learn_rows_p4 for ARMv6-M, weights of 4 to 7 bits: a byte fits if no bit above them is
 * set, for steps and weights are below 128. */
#include "registers_v6m.h"
#include "learn_rows.h"

    .macro FITS
    adds r2, r1, r4
    ldr r3, .Lbyte_signs
    subs r2, r2, r3
    mov r3, r9
    tst r2, r3
    .endm

    .macro DELTA
    .endm

    .macro CONSTANT             /* the bits above a weight */
    mov r0, r10
    lsls r1, r0, #8
    orrs r0, r1
    lsls r1, r0, #16
    orrs r0, r1
    mvns r0, r0
    .endm
