/* dassdp_k_learn_rows_s8: a weight is moved between 0..255 and -128..127 by its top bit. */
#include "learn_rows_dsp.h"

        .macro  prepare
        .endm

        .macro  raise w
        eor     \w, \w, #0x80808080
        .endm

        .macro  lower w
        eor     \w, \w, #0x80808080
        .endm

@ stack: 40
        learn_rows dassdp_k_learn_rows_s8
