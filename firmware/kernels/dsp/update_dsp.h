/* Rows of updates: how many entries are not zero. */
#include "asm.h"

/* Two entries, which are overwritten. UQADD16 with top = 2^16 - 2 in both lanes makes 2^16 - 1 of one that
 * is not zero and 2^16 - 2 of one that is, so that USADA8 counts those that are not. */
        .macro  count_moved entries
        uqadd16 \entries, \entries, top
        usada8  n_moved, \entries, top, n_moved
        .endm
