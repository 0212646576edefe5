/* A lesson from the sample that just ended, whole or in slices: error rules, those of every sample,
 * those of a batch, then what a labelled sample is good for. Where it stands is in dassdp_slices_t. */
#include "dassdp_quantities.h"
#include "learn.h"
#include "network.h"
#include "state.h"

enum { GATE, ERROR_RULES, SAMPLE_RULES, BATCH_RULES, JUDGE, REPLAY, END };
enum { EVALUATE, FEED_BACK, RULES }; /* dassdp_slices_t, part */

_Static_assert(sizeof(dassdp_slices_t) == 4 * DASSDP_LESSON_WORDS, "the plan's size");

/* The next rule begins. Store by store: a library may take longer for few bytes than a rule for a row. */
static void clear_rule(dassdp_slices_t *lesson)
{
    uint32_t *at = lesson->at_words;
    lesson->sum = 0;
    at[0] = 0;
    at[1] = 0;
    at[2] = 0;
    at[3] = 0;
    at[4] = 0;
}

/* A lesson that begins at a stage; what is not here is set before it is read. */
static void enter_lesson(const dassdp_model_t *model, void *state, uint32_t stage)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    clear_rule(lesson);
    lesson->n_replayed = 0;
    lesson->result.class_idx = 0;
    lesson->result.loss_q8 = 0;
    lesson->result.is_skipped = 0;
    lesson->result.is_updated = 0;
    lesson->result.is_fallen_back = 0;
    lesson->result.is_held = 0;
    lesson->item = 0;
    lesson->out = 0;
    lesson->neuron = 0;
    lesson->t_step = 0;
    lesson->stage = (uint8_t)stage;
    lesson->part = EVALUATE;
    lesson->phase = 0;
    lesson->has_run = 0;
    lesson->is_idle = stage != GATE;
    dassdp_progress(model, state)->phase = DASSDP_LEARNING;
}

/* One rule; returns whether the slice had room for it. */
static int run_rule(const dassdp_model_t *model, void *state,
                    const dassdp_projection_t *projection, dassdp_slices_t *lesson)
{
    const dassdp_rule_t *rule = projection->rule;
    const uint32_t n_room = dassdp_room(lesson, rule->grain);
    lesson->n_grains = n_room;
    lesson->is_paused = 0;
    rule->learn(model, state, projection);
    if (rule->grain != 0u) {
        dassdp_spend(lesson, n_room - lesson->n_grains, rule->grain);
    } else if (lesson->left != DASSDP_WHOLE) {
        lesson->left = 0;
    }
    if (lesson->is_paused != 0u) {
        return 0;
    }
    clear_rule(lesson);
    lesson->has_run = 1;
    return 1;
}

/* Rules of a stage, from the projection that the lesson stands at. */
static int apply(const dassdp_model_t *model, void *state, uint32_t stage)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    for (uint32_t p = lesson->item; p < model->n_projections; p++) {
        const dassdp_projection_t *projection = &model->projections[p];
        if (projection->rule != 0 && projection->rule->stage == stage &&
            (lesson->left == 0u || !run_rule(model, state, projection, lesson))) {
            lesson->item = (uint16_t)p;
            return 0;
        }
    }
    lesson->item = 0;
    return 1;
}

int dassdp_learn_label(const dassdp_model_t *model, void *state, uint32_t label,
                       dassdp_result_t *result)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    if (lesson->part == EVALUATE) {
        if (lesson->left == 0u) {
            return 0;
        }
        int has_error = dassdp_evaluate(model, state, (int32_t)label, result);
        dassdp_spend(lesson, model->n_classes, DASSDP_GRAIN_CLASS);
        lesson->has_run = 0;
        if (!has_error) {
            return 1;
        }
        lesson->item = model->n_populations;
        lesson->part = FEED_BACK;
    }
    if (lesson->part == FEED_BACK) {
        if (!dassdp_feed_back(model, state)) {
            return 0;
        }
        lesson->part = RULES;
    }
    if (!apply(model, state, DASSDP_STAGE_ERROR)) {
        return 0;
    }
    lesson->has_run = 1;
    lesson->part = EVALUATE;
    return 1;
}

/* Whether anything is to be learned from the sample; its loss where not. */
static void enter(const dassdp_model_t *model, void *state, dassdp_slices_t *lesson)
{
    if (model->cusum != 0 && model->cusum->holds(model, state, lesson->label) != 0u) {
        dassdp_result_t result = {0};
        (void)dassdp_evaluate(model, state, lesson->label, &result);
        lesson->result.loss_q8 = result.loss_q8;
        lesson->result.is_held = 1;
        lesson->stage = BATCH_RULES; /* what it would have to learn is behind it */
        dassdp_spend(lesson, model->n_classes, DASSDP_GRAIN_CLASS);
    } else {
        dassdp_begin_kind(model, state, DASSDP_LESSON_LEARN);
    }
    lesson->slot = (uint8_t)dassdp_learning(model, state)->batch_idx;
}

static int learn_batch(const dassdp_model_t *model, void *state, dassdp_slices_t *lesson)
{
    if (lesson->phase == 0u) {
        dassdp_learning_t *learning = dassdp_learning(model, state);
        learning->n_labelled += (uint32_t)(lesson->label != DASSDP_NO_LABEL);
        learning->n_skipped += lesson->result.is_skipped;
        if (model->loss_off < 0 ||
            !dassdp_fill_batch(model, state, DASSDP_LESSON_LEARN,
                               lesson->loss_q8 < 0 ? lesson->result.loss_q8 : lesson->loss_q8)) {
            return 1;
        }
        lesson->phase = 1;
    }
    return apply(model, state, DASSDP_STAGE_BATCH);
}

/* Where a label says how good the weights are. */
static int judge(const dassdp_model_t *model, void *state, dassdp_slices_t *lesson)
{
    const int is_guarded = model->guard != 0 && model->guard->judge != 0;
    if (lesson->phase == 0u) {
        lesson->phase = 1;
        if (model->error_step != 0) {
            model->error_step->count(model, state, (uint32_t)lesson->label);
        }
        const dassdp_classes_t *classes = dassdp_classes(model);
        if (classes != 0 && classes->learn != 0 && lesson->result.is_held == 0u) {
            classes->learn(model, state, (uint32_t)lesson->label);
            dassdp_spend(lesson, classes->n_hidden, DASSDP_GRAIN_MEAN);
        }
    }
    return !is_guarded || model->guard->judge(model, state);
}

/* What the lesson stands at; returns whether the slice had room for it. */
static int run_stage(const dassdp_model_t *model, void *state, dassdp_slices_t *lesson)
{
    switch (lesson->stage) {
    case GATE:
        enter(model, state, lesson);
        return 1;
    case ERROR_RULES:
        return lesson->label == DASSDP_NO_LABEL ||
               dassdp_learn_label(model, state, (uint32_t)lesson->label, &lesson->result);
    case SAMPLE_RULES:
        return apply(model, state, DASSDP_STAGE_SAMPLE);
    case BATCH_RULES:
        return learn_batch(model, state, lesson);
    case JUDGE:
        return lesson->label == DASSDP_NO_LABEL || judge(model, state, lesson);
    default:
        if (lesson->is_idle != 0u) {
            return model->replay->idle(model, state);
        }
        return model->replay == 0 || lesson->label == DASSDP_NO_LABEL ||
               model->replay->after(model, state);
    }
}

/* All stages from the one that the lesson stands at, as far as the slice has room. */
static int run(const dassdp_model_t *model, void *state, dassdp_result_t *result)
{
    dassdp_slices_t *lesson = dassdp_slices(model, state);
    for (; lesson->stage != END; lesson->stage++) {
        if (lesson->left == 0u || !run_stage(model, state, lesson)) {
            return DASSDP_MORE;
        }
        lesson->result.is_updated |= (uint16_t)(lesson->stage < JUDGE ? lesson->has_run : 0u);
        lesson->phase = 0;
    }
    result->class_idx = lesson->result.class_idx;
    result->loss_q8 = lesson->result.loss_q8;
    result->is_skipped = lesson->result.is_skipped;
    result->is_updated = lesson->result.is_updated;
    result->n_replayed = (uint16_t)lesson->n_replayed;
    result->is_fallen_back = lesson->result.is_fallen_back;
    result->is_held = lesson->result.is_held;
    if (lesson->is_idle == 0u) {
        dassdp_end_lesson(model, state, DASSDP_LESSON_LEARN, lesson->label, lesson->loss_q8, result);
    } else {
        dassdp_note_learning(model, state, lesson->n_replayed != 0u);
        dassdp_progress(model, state)->phase = DASSDP_RUNNING;
    }
    return DASSDP_OK;
}

int dassdp_learn_begin(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8)
{
    int status = dassdp_check_call(model, state, label, loss_q8);
    if (status == DASSDP_OK) {
        dassdp_slices_t *lesson = dassdp_slices(model, state);
        enter_lesson(model, state, GATE);
        lesson->label = label;
        lesson->loss_q8 = loss_q8;
        lesson->result.class_idx = (uint16_t)dassdp_class(model, state);
    }
    return status;
}

int dassdp_idle_begin(const dassdp_model_t *model, void *state, uint32_t n_steps)
{
    if (model->replay == 0) {
        return DASSDP_E_ABSENT;
    }
    if (dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    enter_lesson(model, state, REPLAY);
    dassdp_slices(model, state)->n_turns = n_steps;
    return DASSDP_OK;
}

int dassdp_learn_step(const dassdp_model_t *model, void *state, uint32_t budget,
                      dassdp_result_t *result)
{
    if (!dassdp_is_learning(model, state)) {
        return DASSDP_E_ORDER;
    }
    if (budget == 0u) {
        return DASSDP_E_VALUE;
    }
    dassdp_slices(model, state)->left = budget >> 31 == 0u ? budget : DASSDP_WHOLE;
    return run(model, state, result);
}

int dassdp_learn(const dassdp_model_t *model, void *state, int32_t label, int32_t loss_q8,
                 dassdp_result_t *result)
{
    int status = dassdp_learn_begin(model, state, label, loss_q8);
    return status == DASSDP_OK ? dassdp_learn_step(model, state, DASSDP_WHOLE, result) : status;
}

int dassdp_idle(const dassdp_model_t *model, void *state, uint32_t n_steps)
{
    dassdp_result_t result = {0};
    int status = dassdp_idle_begin(model, state, n_steps);
    if (status != DASSDP_OK) {
        return status;
    }
    (void)dassdp_learn_step(model, state, DASSDP_WHOLE, &result);
    return (int)dassdp_slices(model, state)->n_replayed;
}
