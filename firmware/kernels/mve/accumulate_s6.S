/* Sums of weights of at most 6 bits: of two rows bytes add up to at most 126, so pairs of rows are
 * added before they are widened. */
#include "accumulate_narrow.h"

    .macro four_rows at, vectors
    vldrw.u32 q4, [r4, #\at]
    vldrw.u32 q5, [r5, #\at]
    vadd.i8 q4, q4, q5
    .if \vectors == 2
    vldrw.u32 q5, [r4, #\at + 16]
    vadd.i16 q0, q0, q4
    vldrw.u32 q6, [r5, #\at + 16]
    vqdmlah.s16 q1, q4, r0
    vadd.i8 q5, q5, q6
    vldrw.u32 q4, [r6, #\at]
    vadd.i16 q2, q2, q5
    vldrw.u32 q6, [r7, #\at]
    vqdmlah.s16 q3, q5, r0
    vadd.i8 q4, q4, q6
    vldrw.u32 q5, [r6, #\at + 16]
    vadd.i16 q0, q0, q4
    vldrw.u32 q6, [r7, #\at + 16]
    vqdmlah.s16 q1, q4, r0
    vadd.i8 q5, q5, q6
    widen q5, q2, q3
    .else
    vldrw.u32 q5, [r6, #\at]
    vadd.i16 q0, q0, q4
    vldrw.u32 q6, [r7, #\at]
    vqdmlah.s16 q1, q4, r0
    vadd.i8 q5, q5, q6
    widen q5, q0, q1
    .endif
    .endm

    @ void dassdp_k_accumulate_s6(projection, acc, rows, n_rows, adds, image)
    @ stack: 84
    accumulate_narrow dassdp_k_accumulate_s6
