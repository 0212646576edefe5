/* What every assembly kernel begins with, and how its functions begin and end. */
#ifndef DASSDP_ASM_H
#define DASSDP_ASM_H

#include "offsets.h"

/* Resets, as the macros of the neuron kernels name them. */
#define NONE 0
#define SUBTRACT_DELAYED 1
#define SUBTRACT_NOW 2
#define ZERO_DELAYED 3
#define ZERO_NOW 4

        .syntax unified
        .thumb

/* In a section of its own, so that only those used link. */
        .macro  function name
        .section .text.\name, "ax", %progbits
        .balign 4
        .global \name
        .type   \name, %function
        .thumb_func
\name:
        .endm

        .macro  end_function name
        .size   \name, . - \name
        .endm

#endif
