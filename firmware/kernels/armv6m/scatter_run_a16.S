/* dassdp_k_scatter_run_a16 for ARMv6-M. */
#include "scatter_rows_v6m.h"
#include "scatter_run_v6m.h"

#define ROWS_LEFT 0             /* the frame */
#define PATCH 4
#define FRAME 8

/* r8 next, r9 end, r10 place_bytes of the run. */
@ stack: 44
    function dassdp_k_scatter_run_a16
    save_registers
    sub sp, #FRAME
    str r0, [sp, #PATCH]
    mov r8, r1
    mov r9, r2
    adds r0, #DASSDP_RUN_PLACE_BYTES
    mov r10, r0
    ldr r5, .Lbias
    mov lr, r5
1:  STAND 9f, 0
    ldr r6, [sp, #PATCH]
    ldr r5, [r6, #DASSDP_RUN_ROWS]
    str r5, [sp, #ROWS_LEFT]
    ldr r3, .Lmask
    ldr r4, .Ltop
    ADD_ROWS 2f
2:  cmp r8, r9
    bne 1b
9:  mov r0, r8
    add sp, #FRAME
    restore_registers
    .balign 4
.Lmask: .word 0x00FF00FF
.Ltop:  .word 0x80808080
.Lbias: .word -0x00800080
    end_function dassdp_k_scatter_run_a16
