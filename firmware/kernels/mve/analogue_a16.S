/* Analogue projections of int16 sums. */
    .equ E, 16
#include "analogue.h"

    @ void dassdp_k_analogue_a16(projection, acc, x, adds)
    @ stack: 96
    analogue dassdp_k_analogue_a16
