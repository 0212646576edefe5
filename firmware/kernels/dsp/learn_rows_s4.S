#include "learn_rows_narrow_dsp.h"

@ stack: 40
        learn_rows dassdp_k_learn_rows_s4
