/* learn_rows_s4 and learn_rows_p4: a weight u, 0 to u_max = 2^bits - 1, is raised by 127 - u_max; of what
 * comes out, as an unsigned byte 128 above it, 255 - u_max is taken, not below 0. */
#include "learn_rows_dsp.h"

        .macro  prepare
        ldrb    r2, [r0, #DASSDP_PROJECTION_WEIGHT_BITS]
        mov     r1, #0x01010101
        lsl     r1, r1, r2
        rsb     r0, r1, #0x80808080
        eor     r1, r0, #0x80808080
        .endm

        .macro  raise w
        add     \w, \w, r0
        .endm

        .macro  lower w
        eor     \w, \w, #0x80808080
        uqsub8  \w, \w, r1
        .endm
