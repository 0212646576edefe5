/* dassdp_k_scatter_run_a32 for ARMv6-M: by calls. */
#include "scatter_run_v6m.h"

@ stack: 48
    function dassdp_k_scatter_run_a32
    push {r4-r7, lr}
    scatter_by_calls dassdp_k_scatter_a32
    pop {r4-r7, pc}
    end_function dassdp_k_scatter_run_a32
