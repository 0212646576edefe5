#include "scatter_run.h"

DASSDP_SCATTER_RUN(plain_a16)
