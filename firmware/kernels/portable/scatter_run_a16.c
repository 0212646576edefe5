#include "scatter_run.h"

DASSDP_SCATTER_RUN(a16)
