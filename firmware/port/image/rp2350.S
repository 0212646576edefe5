/* RP2350: what the boot ROM looks for in the first 4 KB of flash. One item: an executable for Arm,
 * secure; its vectors begin the flash. */
    .section .image_def, "a"
    .word 0xFFFFDED3            /* begin */
    .word 0x10210142            /* IMAGE_TYPE: EXE, S, ARM, RP2350 */
    .word 0x000001FF            /* last item, one word before it */
    .word 0x00000000            /* no other block */
    .word 0xAB123579            /* end */
