/* dassdp_k_accumulate_p4: while rows are added, lanes are 32768 more than the sums, so that at the end
 * they are 0 to 65535 and plain additions were exact; inverting bits 15 and 31 makes them int16. */
#include "accumulate_p4_v7m.h"

        .macro  bias_lanes
        orr     r4, r4, r4, lsl #16
        .endm

        .macro  first_lanes
        rsb     r4, r4, #0x80008000
        .endm

        .macro  take_up lanes
        eor     \lanes, \lanes, #0x80008000
        sub     \lanes, r4
        .endm

        .macro  widen even, odd, w
        add     \odd, \odd, \w, lsr #8
        and     \w, \w, #0x00FF00FF
        add     \even, \w
        sub     \odd, \odd, \w, lsr #8
        .endm

        .macro  end_sums
1:      ldm     r1, {r4-r7}
        .irp    lanes, r4, r5, r6, r7
        eor     \lanes, \lanes, #0x80008000
        .endr
        stm     r1!, {r4-r7}
        cmp     r1, lr
        bne     1b
        .endm

@ stack: 60
        accumulate_p4
