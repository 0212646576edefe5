/* dassdp_k_scatter_run_a16: by calls. */
#include "scatter_run_v7m.h"

@ stack: 68
        function dassdp_k_scatter_run_a16
        push    {r4-r11, lr}
        scatter_by_calls dassdp_k_scatter_a16
        pop     {r4-r11, pc}
        end_function dassdp_k_scatter_run_a16
