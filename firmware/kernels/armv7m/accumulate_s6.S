#include "accumulate_narrow_v7m.h"

@ stack: 80
        accumulate_narrow 6
