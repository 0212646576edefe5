#include "learn_rows_v7m.h"

@ stack: 48
        learn_rows s4, 1
