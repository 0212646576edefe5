/* SXTAB16 adds bytes 0, 2 of four columns to lanes n0, n1 and bytes 1, 3 to n2, n3. */
#ifndef DASSDP_SCATTER_DSP_H
#define DASSDP_SCATTER_DSP_H

        .macro  add_four low, high, w
        sxtab16 \low, \low, \w
        sxtab16 \high, \high, \w, ror #8
        .endm

        @ each moves on by its columns; r3 to r9 and lr as far as they are many
        .macro  add_next_four acc, row
        ldr     r3, [\row], #4
        ldrd    r4, r5, [\acc]
        add_four r4, r5, r3
        strd    r4, r5, [\acc], #8
        .endm

        .macro  add_next_eight acc, row
        ldm     \row!, {r2, r3}
        ldm     \acc, {r4-r7}
        add_four r4, r5, r2
        add_four r6, r7, r3
        stm     \acc!, {r4-r7}
        .endm

        .macro  add_next_twelve acc, row
        ldm     \row!, {r2, r3, lr}
        ldm     \acc, {r4-r9}
        add_four r4, r5, r2
        add_four r6, r7, r3
        add_four r8, r9, lr
        stm     \acc!, {r4-r9}
        .endm

#endif
