/* Sums of weights of at most 6 bits: of two rows bytes add up to at most 126, so pairs of rows are
 * added before they are widened. */
#include "accumulate_narrow.h"

    .macro add_four at, width, a, b, c, d
    vldrw.u32 q4, [\a, #\at]
    vldrw.u32 q5, [\b, #\at]
    vadd.i8 q4, q4, q5
    .if \width == 32
    vldrw.u32 q5, [\a, #\at + 16]
    vadd.i16 q0, q0, q4
    vldrw.u32 q6, [\b, #\at + 16]
    vqdmlah.s16 q1, q4, r11
    vadd.i8 q5, q5, q6
    vldrw.u32 q4, [\c, #\at]
    vadd.i16 q2, q2, q5
    vldrw.u32 q6, [\d, #\at]
    vqdmlah.s16 q3, q5, r11
    vadd.i8 q4, q4, q6
    vldrw.u32 q5, [\c, #\at + 16]
    vadd.i16 q0, q0, q4
    vldrw.u32 q6, [\d, #\at + 16]
    vqdmlah.s16 q1, q4, r11
    vadd.i8 q5, q5, q6
    widen q5, q2, q3
    .else
    vldrw.u32 q5, [\c, #\at]
    vadd.i16 q0, q0, q4
    vldrw.u32 q6, [\d, #\at]
    vqdmlah.s16 q1, q4, r11
    vadd.i8 q5, q5, q6
    widen q5, q0, q1
    .endif
    .endm

    @ void dassdp_k_accumulate_s6(projection, acc, rows, n_rows, adds, image)
    @ stack: 104
    accumulate dassdp_k_accumulate_s6
