/* dassdp_k_accumulate_p4: while rows are added, lanes are 32768 more than the sums, so that at the end
 * they are 0 to 65535 and plain additions were exact; inverting bits 15 and 31 makes them int16. */
#include "accumulate_p4_v7m.h"

        .macro  begin_sums
        orr     r4, r4, r4, lsl #16
        mov     r0, r1
        cbnz    r5, 2f
        rsb     r4, r4, #0x80008000
        mov     r6, r4
        mov     r7, r4
        mov     r8, r4
1:      stm     r0!, {r4, r6-r8}
        cmp     r0, lr
        bne     1b
        b       3f
2:      ldm     r0, {r6-r9}
        .irp    lanes, r6, r7, r8, r9
        eor     \lanes, \lanes, #0x80008000
        sub     \lanes, r4
        .endr
        stm     r0!, {r6-r9}
        cmp     r0, lr
        bne     2b
3:
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
