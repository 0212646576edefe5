/* Analogue projections of int32 sums. */
    .equ E, 32
#include "analogue.h"

    @ void dassdp_k_analogue_a32(projection, acc, x, adds)
    @ stack: 96
    analogue dassdp_k_analogue_a32
