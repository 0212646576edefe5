/* dassdp_k_accumulate_p4: UXTAB16 adds the even bytes of four columns to lanes n0, n1, and the odd ones
 * to n2, n3. Lanes are modulo 2^16. */
#include "accumulate_p4_v7m.h"

        .macro  begin_sums
        rsbs    r4, r4, #0
        pkhbt   r4, r4, r4, lsl #16
        mov     r0, r1
        cbnz    r5, 2f
        mov     r6, r4
        mov     r7, r4
        mov     r8, r4
1:      stm     r0!, {r4, r6-r8}
        cmp     r0, lr
        bne     1b
        b       3f
2:      ldm     r0, {r6-r9}
        .irp    lanes, r6, r7, r8, r9
        uadd16  \lanes, \lanes, r4
        .endr
        stm     r0!, {r6-r9}
        cmp     r0, lr
        bne     2b
3:
        .endm

        .macro  widen even, odd, w
        uxtab16 \even, \even, \w
        uxtab16 \odd, \odd, \w, ror #8
        .endm

        .macro  end_sums
        .endm

@ stack: 60
        accumulate_p4
