/* dassdp_k_accumulate_p4: UXTAB16 adds the even bytes of four columns to lanes n0, n1, and the odd ones
 * to n2, n3. Lanes are modulo 2^16. */
#include "accumulate_p4_v7m.h"

        .macro  bias_lanes
        rsbs    r4, r4, #0
        pkhbt   r4, r4, r4, lsl #16
        .endm

        .macro  first_lanes
        .endm

        .macro  take_up lanes
        uadd16  \lanes, \lanes, r4
        .endm

        .macro  widen even, odd, w
        uxtab16 \even, \even, \w
        uxtab16 \odd, \odd, \w, ror #8
        .endm

        .macro  end_sums
        .endm

@ stack: 60
        accumulate_p4
