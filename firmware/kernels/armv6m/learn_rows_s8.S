/* dassdp_k_learn_rows_s8 for ARMv6-M. A byte overflows where the sum's sign differs from both
 * addends' signs. */
#include "registers_v6m.h"
#include "learn_rows.h"

    .macro FITS
    adds r2, r1, r4
    mov r3, r9
    subs r2, r2, r3
    eors r4, r2
    eors r1, r2
    ands r4, r1
    tst r4, r3
    .endm

    .macro DELTA
    eors r1, r2
    ldr r4, [r5]
    .endm

    .macro CONSTANT
    ldr r0, .Lbyte_signs
    .endm

@ stack: 48
    LEARN_ROWS dassdp_k_learn_rows_s8
