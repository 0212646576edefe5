/* The running digest of what was learned, lesson by lesson: docs/state.md. */
#include "state.h"

_Static_assert(sizeof(dassdp_lesson_t) == 20, "a lesson is chained byte by byte");

void dassdp_note(const dassdp_model_t *model, void *state, const int8_t *x)
{
    dassdp_progress_t *progress = dassdp_progress(model, state);
    if (progress->phase == DASSDP_LEARNING) {
        return; /* as dassdp_begin, which takes the note, refuses the sample */
    }
    x = x != 0 ? x : dassdp_sample(model, state);
    progress->noted_crc = dassdp_crc32(0, x, model->x_bytes);
    if (dassdp_values(model) != 0) {
        progress->noted_crc = dassdp_crc32(progress->noted_crc,
                                           dassdp_at_const(state, (uint32_t)model->values->target_off),
                                           dassdp_target_bytes(model));
    }
}

void dassdp_chain(const dassdp_model_t *model, void *state, const dassdp_lesson_t *lesson)
{
    if (model->learning_off < 0) {
        return;
    }
    dassdp_learning_t *learning = dassdp_learning(model, state);
    learning->n_lessons += (uint32_t)(lesson->kind <= DASSDP_LESSON_WARM_UP);
    learning->lessons_digest = dassdp_crc32(learning->lessons_digest, lesson, sizeof *lesson);
}

uint32_t dassdp_n_lessons(const dassdp_model_t *model, const void *state)
{
    return model->learning_off < 0
               ? 0u
               : ((const dassdp_learning_t *)dassdp_at_const(state, (uint32_t)model->learning_off))
                     ->n_lessons;
}

uint32_t dassdp_lessons_digest(const dassdp_model_t *model, const void *state)
{
    return model->learning_off < 0
               ? 0u
               : ((const dassdp_learning_t *)dassdp_at_const(state, (uint32_t)model->learning_off))
                     ->lessons_digest;
}
