#include "emulator.h"

#include <stdio.h>
#include <string.h>

#include "dassdp_tables.h"
#include "learn.h"
#include "network.h"
#include "state.h"
#include "stream.h"

static _Thread_local char fault[256];

static uint32_t sent_bytes(const dassdp_model_t *model)
{
    if (model->streaming != 0 && model->sensor == 0) {
        return model->streaming->sample_bytes;
    }
    return model->sensor != 0 ? 2u * model->x_bytes : model->x_bytes + dassdp_target_bytes(model);
}

/* Behind a sample stand the targets of a model of values. */
static void take_target(const dassdp_model_t *model, void *state, const int8_t *x)
{
    if (model->values != 0) {
        memcpy(dassdp_at(state, (uint32_t)model->values->target_off), x + model->x_bytes,
               dassdp_target_bytes(model));
    }
}

/* All readings of a sample. */
static void read_sample(const dassdp_model_t *model, void *state, const int8_t *x)
{
    int16_t counts[32];
    size_t reading_bytes = 2u * (size_t)model->sensor->n_channels;
    dassdp_restart_sample(model, state);
    for (const int8_t *end = x + sent_bytes(model); x < end; x += reading_bytes) {
        memcpy(counts, x, reading_bytes);
        (void)dassdp_read(model, state, counts);
    }
}

int dassdp_emulator_observe(const dassdp_model_t *model, void *state, const int8_t *x,
                            int32_t label)
{
    if (model->sensor != 0) {
        read_sample(model, state, x);
    }
    return dassdp_observe(model, state, label);
}

/* The same frame by frame, of a model whose state holds no more. */
static void run_frames(const dassdp_model_t *model, void *state, const int8_t *x, uint32_t n_steps,
                       uint32_t *digest, dassdp_result_t *result)
{
    const uint8_t *bytes = (const uint8_t *)x;
    uint32_t n_left = model->streaming->sample_bytes;
    dassdp_stream_begin(model, state, model->n_steps);
    for (uint32_t t_step = 0; t_step < n_steps; t_step++) {
        (void)dassdp_sample_part(model, state, &bytes, &n_left, 1, result);
        if (digest != 0) {
            *digest = dassdp_digest_step(model, state, *digest);
        }
    }
    if (n_steps == model->n_steps) { /* what stands behind the last step */
        (void)dassdp_sample_part(model, state, &bytes, &n_left, 1, result);
    }
    dassdp_stream_end(model, state);
}

static void run_steps(const dassdp_model_t *model, void *state, const int8_t *x, int is_lesson,
                      uint32_t n_steps, uint32_t *digest, dassdp_result_t *result)
{
    if (dassdp_keeps_frame(model)) {
        run_frames(model, state, x, n_steps, digest, result);
        return;
    }
    take_target(model, state, x);
    if (model->sensor != 0) {
        read_sample(model, state, x);
        x = 0;
    }
    if (is_lesson != 0) {
        dassdp_note(model, state, x);
    }
    dassdp_begin(model, state, x);
    for (uint32_t t_step = 0; t_step < n_steps; t_step++) {
        dassdp_step(model, state);
        if (digest != 0) {
            *digest = dassdp_digest_step(model, state, *digest);
        }
    }
    if (n_steps == model->n_steps) {
        dassdp_end(model, state, result);
    }
}

uint32_t dassdp_emulator_steps(const dassdp_model_t *model, void *state, const int8_t *x,
                               uint32_t n_steps)
{
    uint32_t crc = 0;
    dassdp_result_t result;
    run_steps(model, state, x, 0, n_steps, &crc, &result);
    return crc;
}

int dassdp_emulator_write_learning(const dassdp_model_t *model, void *state, const uint8_t *bytes)
{
    memcpy(dassdp_at(state, model->persist_begin), bytes,
           model->persist_end - model->persist_begin);
    dassdp_begin_anew(model, state);
    return dassdp_check_learning(model, state);
}

static void forward(const dassdp_model_t *model, void *state, const int8_t *x, int is_lesson,
                    uint32_t *digest, dassdp_result_t *result)
{
    if (digest != 0) {
        *digest = 0;
    }
    run_steps(model, state, x, is_lesson, model->n_steps, digest, result);
    if (digest != 0) {
        *digest = dassdp_digest_logits(model, state, *digest);
    }
}

/* What the sample gave before it was learned: replay runs others. */
static void store_forward(const dassdp_model_t *model, const void *state, uint32_t i,
                          const dassdp_result_t *result, const dassdp_emulator_out_t *out)
{
    if (out->class_idx != 0) {
        out->class_idx[i] = result->class_idx;
    }
    if (out->logits != 0) {
        memcpy(out->logits + (size_t)i * model->n_classes, dassdp_logits(model, state),
               model->n_classes * sizeof(int32_t));
    }
}

static void store_learned(const dassdp_model_t *model, const void *state, uint32_t i,
                          const dassdp_result_t *result, const dassdp_emulator_out_t *out)
{
    if (out->loss_q8 != 0) {
        out->loss_q8[i] = result->loss_q8;
    }
    if (out->is_skipped != 0) {
        out->is_skipped[i] = result->is_skipped;
    }
    if (out->is_updated != 0) {
        out->is_updated[i] = result->is_updated;
    }
    if (out->n_replayed != 0) {
        out->n_replayed[i] = result->n_replayed;
    }
    if (out->is_fallen_back != 0) {
        out->is_fallen_back[i] = result->is_fallen_back;
    }
    if (out->is_held != 0) {
        out->is_held[i] = result->is_held;
    }
    if (out->learned_digest != 0) {
        out->learned_digest[i] = dassdp_digest_learned(model, state, 0);
    }
    if (out->lessons_digest != 0) {
        out->lessons_digest[i] = dassdp_lessons_digest(model, state);
    }
}

/* As the link of a device does behind a lesson. */
static void save_where_due(const dassdp_model_t *model, void *state, uint32_t i, int32_t label,
                           const dassdp_result_t *result, const dassdp_emulator_out_t *out)
{
    if (out->saved != 0 && model == dassdp_host_slots()->model) {
        int status = dassdp_store_lesson(dassdp_host_slots(), state, label, result, out->saved);
        if (out->saves != 0) {
            out->saves[i] = (int16_t)status;
        }
    }
}

int dassdp_emulator_run(const dassdp_model_t *model, void *state, int32_t mode, uint32_t n_samples,
                        const int8_t *x, const int32_t *labels, const int32_t *losses_q8,
                        const dassdp_emulator_out_t *out, uint32_t *n_done)
{
    for (*n_done = 0; *n_done < n_samples; (*n_done)++) {
        uint32_t i = *n_done;
        int32_t label = labels == 0 ? DASSDP_NO_LABEL : labels[i];
        int32_t loss_q8 = losses_q8 == 0 ? DASSDP_OWN_LOSS : losses_q8[i];
        int status = DASSDP_OK;
        dassdp_result_t result;
        forward(model, state, x + (size_t)i * sent_bytes(model), mode != DASSDP_EMULATOR_INFER,
                out->forward_digest == 0 ? 0 : out->forward_digest + i, &result);
        store_forward(model, state, i, &result, out);
        if (mode == DASSDP_EMULATOR_LEARN) {
            status = dassdp_learn(model, state, label, loss_q8, &result);
        } else if (mode == DASSDP_EMULATOR_WARM_UP) {
            status = dassdp_warm_up(model, state, label, loss_q8, &result);
        }
        if (status != DASSDP_OK) {
            return status;
        }
        store_learned(model, state, i, &result, out);
        if (mode == DASSDP_EMULATOR_LEARN) {
            save_where_due(model, state, i, label, &result, out);
        }
    }
    return DASSDP_OK;
}

const char *dassdp_emulator_fault(void)
{
    static _Thread_local char reported[sizeof fault];
    memcpy(reported, fault, sizeof fault);
    fault[0] = '\0';
    return reported;
}

#ifdef DASSDP_CHECKED
void dassdp_overflow(const char *file, int line);
void __ubsan_on_report(void);
/* Absent where a compiler does not bring its sanitizer. */
__attribute__((weak)) void __ubsan_get_current_report_data(const char **kind,
                                                           const char **message,
                                                           const char **file, unsigned *line,
                                                           unsigned *column, char **address);

static void remember(const char *what, const char *file, unsigned line)
{
    if (fault[0] == '\0') {
        snprintf(fault, sizeof fault, "%s at %s:%u", what, file, line);
    }
}

void dassdp_overflow(const char *file, int line)
{
    remember("a value left its proven range", file, (unsigned)line);
}

/* The sanitizer's monitor calls this for every finding. */
void __ubsan_on_report(void)
{
    const char *kind = "undefined behaviour";
    const char *message = "";
    const char *file = "?";
    unsigned line = 0;
    unsigned column = 0;
    char *address = 0;
    if (__ubsan_get_current_report_data) {
        __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
    }
    remember(message[0] != '\0' ? message : kind, file, line);
}
#endif
