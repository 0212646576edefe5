/* For assembly only. */
#include "mve.h"

    @ the next word of xorshift32
    .macro random to, from
    eor \to, \from, \from, lsl #13
    eor \to, \to, \to, lsr #17
    eor \to, \to, \to, lsl #5
    .endm
