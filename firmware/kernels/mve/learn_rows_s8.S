/* Weights of 8 bits. */
#include "learn_rows.h"

    @ void dassdp_k_learn_rows_s8(projection, rows, n_rows, dw_q8, rng, image)
    @ stack: 80
    learn_rows dassdp_k_learn_rows_s8, 0
