#include "learn_rows_narrow_v6m.h"

@ stack: 48
    LEARN_ROWS dassdp_k_learn_rows_s4
