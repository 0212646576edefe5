#include "learn_rows_v7m.h"

@ stack: 48
        learn_rows p4, 1, 1
