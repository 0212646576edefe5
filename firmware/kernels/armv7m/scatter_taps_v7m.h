/* Nine or six weights of one spike, three to a row of taps, into sums of one column each. */
#ifndef DASSDP_SCATTER_TAPS_V7M_H
#define DASSDP_SCATTER_TAPS_V7M_H

        @ byte `turn` / 8 of w; t: a register more without SIMD
        .macro  add_weight sum, t, w, turn, to:vararg
        ldrh    \sum, [\to]
#ifdef __ARM_FEATURE_DSP
        sxtab   \sum, \sum, \w, ror #\turn
#else
        sxtb    \t, \w, ror #\turn
        add     \sum, \sum, \t
#endif
        strh    \sum, [\to]
        .endm

        @ of low and high, weights of two rows; acc moves to the second
        .macro  add_six acc, place, step, sum, t, low, high
        add_weight \sum, \t, \low, 0, \acc
        add_weight \sum, \t, \low, 8, \acc, \place
        add_weight \sum, \t, \low, 16, \acc, \place, lsl #1
        add     \acc, \acc, \step
        add_weight \sum, \t, \low, 24, \acc
        add_weight \sum, \t, \high, 0, \acc, \place
        add_weight \sum, \t, \high, 8, \acc, \place, lsl #1
        .endm

        @ of low and high, and last, the ninth weight, those of three rows
        .macro  add_nine acc, place, step, sum, t, low, high, last
        add_six \acc, \place, \step, \sum, \t, \low, \high
        add     \acc, \acc, \step
        add_weight \sum, \t, \high, 16, \acc
        add_weight \sum, \t, \high, 24, \acc, \place
        ldrh    \sum, [\acc, \place, lsl #1]
        add     \sum, \sum, \last
        strh    \sum, [\acc, \place, lsl #1]
        .endm

#endif
