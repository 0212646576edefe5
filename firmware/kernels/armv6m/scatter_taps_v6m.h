/* Three taps of a row into sums of one column each. */
#ifndef DASSDP_SCATTER_TAPS_V6M_H
#define DASSDP_SCATTER_TAPS_V6M_H

    .macro ADD_BYTE to:vararg
    ldrh r6, [\to]
    adds r5, r5, r6
    strh r5, [\to]
    .endm

    @ r0 acc, r1 row, r2, r3 bytes to the next place and the one behind it, r4 0, r7 1
    .macro ADD_ROW
    ldrsb r5, [r1, r4]
    ADD_BYTE r0
    ldrsb r5, [r1, r7]
    ADD_BYTE r0, r2
    ldrb r5, [r1, #2]
    sxtb r5, r5
    ADD_BYTE r0, r3
    .endm

#endif
