/* RP2040: the boot ROM copies these 256 bytes from the beginning of flash to RAM, and runs them if their
 * CRC-32/MPEG-2 fits. Flash is mapped by command 03h, which every chip knows; the vectors behind take
 * over. */
    .syntax unified
    .thumb
    .section .boot2, "ax"
    .global dassdp_boot2
dassdp_boot2:
    ldr r3, =0x18000000         /* SSI */
    movs r1, #0
    str r1, [r3, #0x08]         /* SSIENR: off while it is set up */
    movs r1, #4
    str r1, [r3, #0x14]         /* BAUDR: clk_sys / 4 */
    ldr r1, =0x001F0300
    str r1, [r3, #0x00]         /* CTRLR0: frames of 32 bits, EEPROM read, one line */
    movs r1, #0
    str r1, [r3, #0x04]         /* CTRLR1: one frame */
    ldr r0, =0x180000F4
    ldr r1, =0x03000218
    str r1, [r0]                /* SPI_CTRLR0: command 03h of 8 bits, address of 24 */
    movs r1, #1
    str r1, [r3, #0x08]         /* SSIENR: on */
    ldr r0, =0x10000100
    ldr r1, =0xE000ED08
    str r0, [r1]                /* VTOR */
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2
    .pool
    .org 252
    .word 0x19CC7C38            /* the CRC */
