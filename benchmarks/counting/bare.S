/* Start-up and probe of the measuring program: M3, M4, M7, M33, M55 in QEMU. */
    .syntax unified
    .thumb

    .section .vectors, "a"
    .word __stack_top
    .word start
    .rept 14
    .word fault
    .endr

    .text
    .type start, %function
start:                                  /* coprocessors 10 and 11 on, for MVE */
    ldr r0, =0xE000ED88
    movs r1, #0xF00000
    str r1, [r0]
    dsb
    isb
    bl counting_main

    .type fault, %function
fault:
    movs r0, #1
    b counting_exit

/* int counting_semihost(int operation, const void *block) */
    .global counting_semihost
    .type counting_semihost, %function
counting_semihost:
    bkpt 0xAB
    bx lr

/* void counting_exit(uint32_t status): SYS_EXIT_EXTENDED */
    .global counting_exit
    .type counting_exit, %function
counting_exit:
    ldr r1, =0x20026
    push {r0}
    push {r1}
    mov r1, sp
    movs r0, #0x20
    bkpt 0xAB
    b .

/* void counting_probe(const uint32_t call[], uint32_t result[3]): call is {function, n, args...},
   at least four of them; result is {SysTick ticks, r0, control word, bit 16 = wrapped} */
    .global counting_probe
    .type counting_probe, %function
counting_probe:
    push {r4-r9, r10, lr}
    mov r4, r0
    mov r8, r1
    mov r9, sp
    ldr r5, [r4, #4]
    subs r6, r5, #4
    ble 2f
    lsls r7, r6, #2
    adds r7, #7
    bic r7, #7
    sub sp, sp, r7
    add r0, r4, #24
    mov r1, sp
1:  ldr r2, [r0], #4
    str r2, [r1], #4
    subs r6, #1
    bne 1b
2:  add r7, r4, #8
    ldr r4, [r4]
    ldr r5, =0xE000E018
    str r5, [r5]                        /* any write clears the counter and its wrapped flag */
3:  ldr r6, [r5]
    cmp r6, #0
    beq 3b
    ldm r7, {r0-r3}
    ldr r6, [r5]
    blx r4
    ldr r7, [r5]
    subs r6, r6, r7
    bic r6, #0xFF000000
    ldr r7, [r5, #-8]
    str r6, [r8]
    str r0, [r8, #4]
    str r7, [r8, #8]
    mov sp, r9
    pop {r4-r9, r10, pc}

/* Functions of known length. */
    .global counting_nothing
    .type counting_nothing, %function
counting_nothing:
    bx lr

    .global counting_thousand
    .type counting_thousand, %function
counting_thousand:
    .rept 999
    nop
    .endr
    bx lr
