/* Sums of weights of 7 bits. */
#include "accumulate_narrow.h"

    .macro add_four at, width, a, b, c, d
    vldrw.u32 q4, [\a, #\at]
    .if \width == 32
    vldrw.u32 q5, [\a, #\at + 16]
    widen q4, q0, q1
    .irp row, \b, \c, \d
    vldrw.u32 q4, [\row, #\at]
    widen q5, q2, q3
    vldrw.u32 q5, [\row, #\at + 16]
    widen q4, q0, q1
    .endr
    widen q5, q2, q3
    .else
    vldrw.u32 q5, [\b, #\at]
    widen q4, q0, q1
    vldrw.u32 q4, [\c, #\at]
    widen q5, q0, q1
    vldrw.u32 q5, [\d, #\at]
    widen q4, q0, q1
    widen q5, q0, q1
    .endif
    .endm

    @ void dassdp_k_accumulate_s7(projection, acc, rows, n_rows, adds, image)
    @ stack: 104
    accumulate dassdp_k_accumulate_s7
