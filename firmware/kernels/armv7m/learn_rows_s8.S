#include "learn_rows_v7m.h"

@ stack: 48
        learn_rows s8, 0
