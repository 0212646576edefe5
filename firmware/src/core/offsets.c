/* offsets.h against the structs; there is no code here. */
#include "offsets.h"

#include <stddef.h>

#include "kernels.h"

#if UINTPTR_MAX == 0xFFFFFFFFu
#define DASSDP_OFFSET(type, member, offset)                                                       \
    _Static_assert(offsetof(type, member) == (offset), #member " has moved: correct offsets.h")

_Static_assert(sizeof(dassdp_row_t) * DASSDP_ROWS_FULL == DASSDP_LIST_FULL_BYTES,
               "the list of rows has another size: correct offsets.h and rows.S");
DASSDP_OFFSET(dassdp_cursor_t, n_words, DASSDP_CURSOR_N_WORDS);
DASSDP_OFFSET(dassdp_cursor_t, row, DASSDP_CURSOR_ROW);
DASSDP_OFFSET(dassdp_cursor_t, row_bytes, DASSDP_CURSOR_ROW_BYTES);
DASSDP_OFFSET(dassdp_cursor_t, spk_bits, DASSDP_CURSOR_SPK_BITS);
DASSDP_OFFSET(dassdp_fours_t, acc, DASSDP_FOURS_ACC);
DASSDP_OFFSET(dassdp_fours_t, acc_lshift, DASSDP_FOURS_ACC_LSHIFT);
DASSDP_OFFSET(dassdp_fours_t, before, DASSDP_FOURS_BEFORE);
DASSDP_OFFSET(dassdp_fours_t, fire_at, DASSDP_FOURS_FIRE_AT);
DASSDP_OFFSET(dassdp_fours_t, looks_back, DASSDP_FOURS_LOOKS_BACK);
DASSDP_OFFSET(dassdp_fours_t, lowest, DASSDP_FOURS_LOWEST);
DASSDP_OFFSET(dassdp_fours_t, n_left, DASSDP_FOURS_N_LEFT);
DASSDP_OFFSET(dassdp_fours_t, n_more, DASSDP_FOURS_N_MORE);
DASSDP_OFFSET(dassdp_fours_t, spk_bits, DASSDP_FOURS_SPK_BITS);
DASSDP_OFFSET(dassdp_fours_t, v, DASSDP_FOURS_V);
DASSDP_OFFSET(dassdp_population_t, acc_lshift, DASSDP_POPULATION_ACC_LSHIFT);
DASSDP_OFFSET(dassdp_population_t, acc_rshift, DASSDP_POPULATION_ACC_RSHIFT);
DASSDP_OFFSET(dassdp_population_t, fire_at, DASSDP_POPULATION_FIRE_AT);
DASSDP_OFFSET(dassdp_population_t, fire_stride, DASSDP_POPULATION_FIRE_STRIDE);
DASSDP_OFFSET(dassdp_population_t, leak_q15, DASSDP_POPULATION_LEAK_Q15);
DASSDP_OFFSET(dassdp_population_t, leak_shift, DASSDP_POPULATION_LEAK_SHIFT);
DASSDP_OFFSET(dassdp_population_t, leak_stride, DASSDP_POPULATION_LEAK_STRIDE);
DASSDP_OFFSET(dassdp_population_t, n_neurons, DASSDP_POPULATION_N_NEURONS);
DASSDP_OFFSET(dassdp_population_t, reset_by, DASSDP_POPULATION_RESET_BY);
DASSDP_OFFSET(dassdp_population_t, touch_width, DASSDP_POPULATION_TOUCH_WIDTH);
DASSDP_OFFSET(dassdp_projection_t, factory, DASSDP_PROJECTION_FACTORY);
DASSDP_OFFSET(dassdp_projection_t, n_post, DASSDP_PROJECTION_N_POST);
DASSDP_OFFSET(dassdp_projection_t, n_pre, DASSDP_PROJECTION_N_PRE);
DASSDP_OFFSET(dassdp_projection_t, row_bytes, DASSDP_PROJECTION_ROW_BYTES);
DASSDP_OFFSET(dassdp_projection_t, weight_bits, DASSDP_PROJECTION_WEIGHT_BITS);
DASSDP_OFFSET(dassdp_run_t, acc, DASSDP_RUN_ACC);
DASSDP_OFFSET(dassdp_run_t, patch.acc_step, DASSDP_RUN_ACC_STEP);
DASSDP_OFFSET(dassdp_run_t, begin, DASSDP_RUN_BEGIN);
DASSDP_OFFSET(dassdp_run_t, by_channels, DASSDP_RUN_BY_CHANNELS);
DASSDP_OFFSET(dassdp_run_t, channel_bytes, DASSDP_RUN_CHANNEL_BYTES);
DASSDP_OFFSET(dassdp_run_t, group_bytes, DASSDP_RUN_GROUP_BYTES);
DASSDP_OFFSET(dassdp_run_t, image, DASSDP_RUN_IMAGE);
DASSDP_OFFSET(dassdp_run_t, n, DASSDP_RUN_N);
DASSDP_OFFSET(dassdp_run_t, patch.place_bytes, DASSDP_RUN_PLACE_BYTES);
DASSDP_OFFSET(dassdp_run_t, patch.n_rows, DASSDP_RUN_ROWS);
#endif

typedef int dassdp_offsets_are_right;
