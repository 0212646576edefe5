/* Sums of weights of 7 bits. */
#include "accumulate_narrow.h"

    .macro four_rows at, vectors
    vldrw.u32 q4, [r4, #\at]
    .if \vectors == 2
    vldrw.u32 q5, [r4, #\at + 16]
    widen q4, q0, q1
    .irp row, r5, r6, r7
    vldrw.u32 q4, [\row, #\at]
    widen q5, q2, q3
    vldrw.u32 q5, [\row, #\at + 16]
    widen q4, q0, q1
    .endr
    widen q5, q2, q3
    .else
    vldrw.u32 q5, [r5, #\at]
    widen q4, q0, q1
    vldrw.u32 q4, [r6, #\at]
    widen q5, q0, q1
    vldrw.u32 q5, [r7, #\at]
    widen q4, q0, q1
    widen q5, q0, q1
    .endif
    .endm

    @ void dassdp_k_accumulate_s7(projection, acc, rows, n_rows, adds, image)
    @ stack: 84
    accumulate_narrow dassdp_k_accumulate_s7
