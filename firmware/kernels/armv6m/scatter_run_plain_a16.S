/* dassdp_k_scatter_run_plain_a16 for ARMv6-M: two or three whole rows of three taps of one column, as of a
 * depthwise 3x3 kernel away from borders; others by calls. */
#include "scatter_run_v6m.h"
#include "scatter_taps_v6m.h"


    .macro NEXT_ROW
    add r0, r12
    adds r1, #3
    .endm

/* r8 next, r9 end, r10 place_bytes of the run, r11 1 where there are three rows, r12 bytes from row to row of
 * sums. */
@ stack: 76
    function dassdp_k_scatter_run_plain_a16
    save_registers
    ldmia r0!, {r3-r7}          /* columns, rows, bytes from row to row: sums, weights, columns of a tap */
    subs r0, #20
    cmp r7, #1
    bne 9f
    cmp r3, #3
    bne 9f
    cmp r6, #0
    bne 9f
    subs r4, #2
    cmp r4, #1
    bhi 9f
    mov r8, r1
    mov r9, r2
    mov r11, r4
    adds r0, #DASSDP_RUN_PLACE_BYTES
    mov r10, r0
    ldr r3, [r0]
    adds r5, r5, r3
    adds r5, r5, r3
    adds r5, r5, r3
    mov r12, r5
1:  STAND 4f, 1
    lsls r3, r2, #1
    movs r4, #0
    movs r7, #1
    cmp r11, r7
    bne 2f
    ADD_ROW
    NEXT_ROW
2:  ADD_ROW
    NEXT_ROW
    ADD_ROW
    cmp r8, r9
    bne 1b
4:  mov r0, r8
    restore_registers
9:  scatter_by_calls dassdp_k_scatter_plain_a16
    restore_registers
    end_function dassdp_k_scatter_run_plain_a16
