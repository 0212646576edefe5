/* For assembly only: eight entries of an update row. */
#include "mve.h"

    @ q2 = q0 k times q1, rounded >> -r12; products of even and odd columns are 32 bits wide, their
    @ rounding shift is one to the left by a negative number.
    .macro multiply
    vmullb.s16 q2, q0, q1
    vmullt.s16 q1, q0, q1
    vrshl.s32 q2, r12
    vrshl.s32 q1, r12
    vmovnt.i32 q2, q1
    .endm

    @ A vector q3 of ones under the entries' predicate counts in r0 those that are not zero.
    .macro count
    vpt.i16 ne, q2, zr
    vaddvat.u16 r0, q3
    .endm

    @ Both, and the entries go to r1.
    .macro multiply_and_count
    multiply
    vstrh.16 q2, [r1], #16
    count
    .endm
