/* dassdp_k_accumulate_s16: tiles of 16 columns in vectors, widened by the load; a last one of 8. */
#include "mve.h"

#define ADDS 56 /* from sp */

    @ columns from r4 on
    .macro tile width
    vmov.i32 q0, #0
    vmov.i32 q1, #0
    .if \width == 16
    vmov.i32 q2, #0
    vmov.i32 q3, #0
    .endif
    cbz r6, 1f
    vldrw.32 q0, [r1]
    vldrw.32 q1, [r1, #16]
    .if \width == 16
    vldrw.32 q2, [r1, #32]
    vldrw.32 q3, [r1, #48]
    .endif
1:  mov r7, r2
    dls lr, r3
2:  ldr r0, [r7], #4
    add r0, r4
    vldrh.s32 q4, [r0]
    vadd.i32 q0, q0, q4
    vldrh.s32 q5, [r0, #8]
    vadd.i32 q1, q1, q5
    .if \width == 16
    vldrh.s32 q4, [r0, #16]
    vadd.i32 q2, q2, q4
    vldrh.s32 q5, [r0, #24]
    vadd.i32 q3, q3, q5
    .endif
    le lr, 2b
    vstrw.32 q0, [r1], #16
    vstrw.32 q1, [r1], #16
    .if \width == 16
    vstrw.32 q2, [r1], #16
    vstrw.32 q3, [r1], #16
    .endif
    .endm

/* r1 sums, r2 list, r3 n_rows, r4 bytes done of a row, r5 bytes left, less 32, r6 adds, r7 list */
@ stack: 56
    function dassdp_k_accumulate_s16
    push {r4-r7, lr}
    sub sp, #4
    vpush {d8-d11}
    ldr r5, [r0, #DASSDP_PROJECTION_ROW_BYTES]
    ldr r6, [sp, #ADDS]
    movs r4, #0
    subs r5, #32
    blt 4f
3:  tile 16
    adds r4, #32
    subs r5, #32
    bge 3b
4:  adds r5, #32
    beq 5f
    tile 8
5:  vpop {d8-d11}
    add sp, #4
    pop {r4-r7, pc}
    end_function dassdp_k_accumulate_s16
