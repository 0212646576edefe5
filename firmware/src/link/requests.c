#include "requests.h"

#include "dassdp_classes.h"
#include "learn.h"
#include "marker.h"
#include "network.h"
#include "port.h"
#include "slots.h"
#include "state.h"
#include "streams.h"
#include "wire.h"

static uint8_t *bytes_of(const dassdp_link_t *link, uint32_t offset)
{
    return (uint8_t *)link->state + offset;
}

uint32_t dassdp_ticks_since(uint32_t start)
{
    uint32_t tick_bits = dassdp_port_tick_bits();
    uint32_t mask = tick_bits >= 32 ? UINT32_MAX : ((uint32_t)1 << tick_bits) - 1;
    return (dassdp_port_ticks() - start) & mask;
}

static void put_logits(const dassdp_link_t *link, uint8_t *response, int is_complete)
{
    const dassdp_model_t *model = link->model;
    const int32_t *logits = dassdp_logits(model, link->state);
    for (uint32_t i = 0; i < model->n_classes; i++) {
        dassdp_put_u32(response + DASSDP_OUTCOME_LOGITS + 4 * i,
                       is_complete ? (uint32_t)logits[i] : 0);
    }
}

/* The sample to run: the request's open end, or the one that came in pieces, perhaps n_steps of it that ran
 * already; NULL if it is not complete. */
static const int8_t *sample_of(const dassdp_link_t *link, const uint8_t *open_end, uint32_t n_steps)
{
    const dassdp_model_t *model = link->model;
    if (dassdp_keeps_frame(model)) {
        return dassdp_frames_ran(link, n_steps) ? (const int8_t *)link->state : 0; /* not read */
    }
    if (dassdp_comes_in_pieces(model)) {
        return link->n_received == dassdp_sent_bytes(model) ? dassdp_sample(model, link->state) : 0;
    }
    if (dassdp_values(model) != 0) {
        dassdp_take_target(link, 0, open_end + model->x_bytes, dassdp_target_bytes(model));
    }
    if (dassdp_sensor(model) == 0) {
        return (const int8_t *)open_end;
    }
    dassdp_restart_sample(model, link->state);
    dassdp_take_readings(link, open_end, dassdp_sent_bytes(model));
    return dassdp_sample(model, link->state);
}

/* Runs n_steps of x and writes the forward part of the outcome. Ticks leave the digest out. */
static void run_sample(const dassdp_link_t *link, const int8_t *x, uint32_t n_steps,
                       uint8_t flags, uint8_t *response)
{
    const dassdp_model_t *model = link->model;
    uint32_t want_digest = flags & DASSDP_FLAG_WANT_FORWARD_DIGEST;
    uint32_t crc = 0;
    uint32_t start = dassdp_port_ticks();
    uint32_t t_step = 0;
    if (dassdp_keeps_frame(model)) {
        t_step = n_steps;
        crc = want_digest != 0 ? dassdp_stream(model, link->state)->digest : 0;
        start -= dassdp_stream(model, link->state)->ticks;
        dassdp_stream_end(model, link->state);
    } else {
        dassdp_begin(model, link->state, x);
    }
    uint32_t ticks = dassdp_ticks_since(start);
    for (; t_step < n_steps; t_step++) {
        dassdp_port_feed();
        start = dassdp_port_ticks();
        dassdp_step(model, link->state);
        ticks += dassdp_ticks_since(start);
        if (want_digest != 0) {
            crc = dassdp_digest_step(model, link->state, crc);
        }
    }
    dassdp_result_t result = {0};
    if (n_steps == model->n_steps) {
        start = dassdp_port_ticks();
        dassdp_end(model, link->state, &result);
        ticks += dassdp_ticks_since(start);
        if (want_digest != 0) {
            crc = dassdp_digest_logits(model, link->state, crc);
        }
    }
    response[DASSDP_OUTCOME_FLAGS] = 0;
    dassdp_put_u16(response + DASSDP_OUTCOME_CLASS_IDX, result.class_idx);
    dassdp_put_u16(response + DASSDP_OUTCOME_LOSS_Q8, 0);
    dassdp_put_u16(response + DASSDP_OUTCOME_N_REPLAYED, 0);
    dassdp_put_u32(response + DASSDP_OUTCOME_FORWARD_TICKS, ticks);
    dassdp_put_u32(response + DASSDP_OUTCOME_LEARN_TICKS, 0);
    dassdp_put_u32(response + DASSDP_OUTCOME_FORWARD_DIGEST, crc);
    dassdp_put_u32(response + DASSDP_OUTCOME_LESSONS_DIGEST, 0);
    put_logits(link, response, n_steps == model->n_steps);
}

/* The digest over what is learned, if asked for; returns the payload's size. */
static int end_outcome(const dassdp_link_t *link, uint8_t flags, uint8_t *response)
{
    uint32_t crc = 0;
    if ((flags & DASSDP_FLAG_WANT_LEARNED_DIGEST) != 0) {
        crc = dassdp_digest_learned(link->model, link->state, 0);
    }
    dassdp_put_u32(response + DASSDP_OUTCOME_LEARNED_DIGEST, crc);
    return DASSDP_OUTCOME_BYTES - DASSDP_RESPONSE_HEADER_BYTES + 4 * (int)link->model->n_classes;
}

int dassdp_request_infer(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                         uint8_t *response)
{
    (void)n_open;
    uint32_t n_steps = dassdp_get_u16(request + DASSDP_INFER_REQUEST_N_STEPS);
    uint8_t flags = request[DASSDP_INFER_REQUEST_FLAGS];
    if (n_steps > link->model->n_steps) {
        return DASSDP_E_VALUE;
    }
    if (n_steps == 0) {
        n_steps = link->model->n_steps;
    }
    const int8_t *x = sample_of(link, request + DASSDP_INFER_REQUEST_X, n_steps);
    if (x == 0) {
        return DASSDP_E_SAMPLE;
    }
    DASSDP_MARK_BEGIN();
    run_sample(link, x, n_steps, flags, response);
    DASSDP_MARK_END();
    return end_outcome(link, flags, response);
}

static int run_lesson(dassdp_link_t *link, const uint8_t *request, uint8_t *response,
                      int is_warm_up)
{
    const int8_t *x = sample_of(link, request + DASSDP_LESSON_X, link->model->n_steps);
    if (x == 0) {
        return DASSDP_E_SAMPLE;
    }
    uint8_t flags = request[DASSDP_LESSON_FLAGS];
    int32_t label = (int16_t)dassdp_get_u16(request + DASSDP_LESSON_LABEL);
    int32_t loss_q8 = (int32_t)dassdp_get_u32(request + DASSDP_LESSON_LOSS_Q8);
    DASSDP_MARK_BEGIN();
    uint32_t start = dassdp_port_ticks();
    if (!dassdp_keeps_frame(link->model)) { /* it was noted as it came */
        dassdp_note(link->model, link->state, x);
    }
    uint32_t ticks = dassdp_ticks_since(start);
    run_sample(link, x, link->model->n_steps, flags, response);
    dassdp_result_t result;
    dassdp_port_feed();
    start = dassdp_port_ticks();
    int status = is_warm_up
                     ? dassdp_warm_up(link->model, link->state, label, loss_q8, &result)
                     : dassdp_learn(link->model, link->state, label, loss_q8, &result);
    ticks += dassdp_ticks_since(start);
    DASSDP_MARK_END();
    if (status != DASSDP_OK) {
        return status;
    }
    response[DASSDP_OUTCOME_FLAGS] =
        (uint8_t)((result.is_skipped != 0 ? DASSDP_FLAG_IS_SKIPPED : 0) |
                  (result.is_updated != 0 ? DASSDP_FLAG_IS_UPDATED : 0) |
                  (result.is_fallen_back != 0 ? DASSDP_FLAG_IS_FALLEN_BACK : 0) |
                  (result.is_held != 0 ? DASSDP_FLAG_IS_HELD : 0) |
                  (is_warm_up ? 0 : dassdp_slots_lesson(link, label, &result)));
    dassdp_put_u16(response + DASSDP_OUTCOME_LOSS_Q8, result.loss_q8);
    dassdp_put_u16(response + DASSDP_OUTCOME_N_REPLAYED, result.n_replayed);
    dassdp_put_u32(response + DASSDP_OUTCOME_LEARN_TICKS, ticks);
    dassdp_put_u32(response + DASSDP_OUTCOME_LESSONS_DIGEST,
                   dassdp_lessons_digest(link->model, link->state));
    return end_outcome(link, flags, response);
}

int dassdp_request_learn(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                         uint8_t *response)
{
    (void)n_open;
    return run_lesson(link, request, response, 0);
}

int dassdp_request_warm_up(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                           uint8_t *response)
{
    (void)n_open;
    return run_lesson(link, request, response, 1);
}

int dassdp_request_observe(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                           uint8_t *response)
{
    (void)n_open;
    if (dassdp_sensor(link->model) == 0) {
        return DASSDP_E_ABSENT;
    }
    if (sample_of(link, request + DASSDP_OBSERVE_REQUEST_X, 0) == 0) {
        return DASSDP_E_SAMPLE;
    }
    int event = dassdp_observe(link->model, link->state,
                               (int16_t)dassdp_get_u16(request + DASSDP_OBSERVE_REQUEST_LABEL));
    response[DASSDP_OBSERVE_RESPONSE_EVENT] = (uint8_t)event;
    return event < 0 ? event : DASSDP_OBSERVE_RESPONSE_BYTES - DASSDP_RESPONSE_HEADER_BYTES;
}

int dassdp_request_drift(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                         uint8_t *response)
{
    (void)n_open;
    if (dassdp_sensor(link->model) == 0) {
        return DASSDP_E_ABSENT;
    }
    uint8_t allow = request[DASSDP_DRIFT_REQUEST_ALLOW];
    dassdp_drift_report_t report;
    int status = allow > 2u ? DASSDP_E_VALUE : DASSDP_OK;
    if (status == DASSDP_OK && allow != 0u) {
        status = dassdp_allow_profile(link->model, link->state, allow == 2u);
    }
    if (status == DASSDP_OK) {
        status = dassdp_drift(link->model, link->state, &report);
    }
    if (status != DASSDP_OK) {
        return status;
    }
    dassdp_put_u32(response + DASSDP_DRIFT_RESPONSE_N_WINDOWS, report.n_windows);
    response[DASSDP_DRIFT_RESPONSE_IS_ALARM] = (uint8_t)report.is_alarm;
    dassdp_put_u16(response + DASSDP_DRIFT_RESPONSE_MEDIAN_Q8, report.median_q8);
    dassdp_put_u16(response + DASSDP_DRIFT_RESPONSE_N_ALARMS, report.n_alarms);
    dassdp_put_u16(response + DASSDP_DRIFT_RESPONSE_N_PROFILES, report.n_profiles);
    response[DASSDP_DRIFT_RESPONSE_IS_ALLOWED] = (uint8_t)report.is_allowed;
    return DASSDP_DRIFT_RESPONSE_BYTES - DASSDP_RESPONSE_HEADER_BYTES;
}

int dassdp_request_fit_profile(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                               uint8_t *response)
{
    (void)request;
    (void)n_open;
    if (dassdp_sensor(link->model) == 0) {
        return DASSDP_E_ABSENT;
    }
    dassdp_fit_t fit;
    int status = dassdp_fit_profile(link->model, link->state, &fit);
    if (status != DASSDP_OK) {
        return status;
    }
    dassdp_put_u16(response + DASSDP_FIT_PROFILE_RESPONSE_VERDICT, (uint32_t)fit.verdict);
    dassdp_put_u16(response + DASSDP_FIT_PROFILE_RESPONSE_N_CLASSES, fit.n_classes);
    dassdp_put_u32(response + DASSDP_FIT_PROFILE_RESPONSE_RESIDUAL, (uint32_t)fit.residual);
    dassdp_put_u32(response + DASSDP_FIT_PROFILE_RESPONSE_RESIDUAL_FACTORY,
                   (uint32_t)fit.residual_factory);
    return DASSDP_FIT_PROFILE_RESPONSE_BYTES - DASSDP_RESPONSE_HEADER_BYTES;
}

int dassdp_request_select_profile(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                                  uint8_t *response)
{
    (void)n_open;
    (void)response;
    return dassdp_select_profile(link->model, link->state,
                                 request[DASSDP_SELECT_PROFILE_REQUEST_PROFILE]);
}

int dassdp_request_new_class(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                             uint8_t *response)
{
    (void)n_open;
    if (dassdp_classes(link->model) == 0) {
        return DASSDP_E_ABSENT;
    }
    char name[DASSDP_LINK_NAME_BYTES + 1];
    dassdp_copy((uint8_t *)name, request + DASSDP_NEW_CLASS_REQUEST_CLASS_NAME, DASSDP_LINK_NAME_BYTES);
    name[DASSDP_LINK_NAME_BYTES] = '\0';
    int class_idx = dassdp_new_class(link->model, link->state, name);
    if (class_idx < 0) {
        return class_idx;
    }
    dassdp_put_u16(response + DASSDP_NEW_CLASS_RESPONSE_CLASS_IDX, (uint32_t)class_idx);
    return DASSDP_NEW_CLASS_RESPONSE_BYTES - DASSDP_RESPONSE_HEADER_BYTES;
}

int dassdp_request_forget_class(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                                uint8_t *response)
{
    (void)n_open;
    (void)response;
    if (dassdp_classes(link->model) == 0) {
        return DASSDP_E_ABSENT;
    }
    return dassdp_forget_class(link->model, link->state,
                               dassdp_get_u16(request + DASSDP_FORGET_CLASS_REQUEST_CLASS_IDX));
}

int dassdp_request_fit_gate(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                            uint8_t *response)
{
    (void)request;
    (void)n_open;
    (void)response;
    return dassdp_fit_gate(link->model, link->state);
}

int dassdp_request_idle(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                        uint8_t *response)
{
    (void)n_open;
    uint32_t n_steps = dassdp_get_u16(request + DASSDP_IDLE_REQUEST_N_STEPS);
    if (n_steps > DASSDP_LINK_IDLE_STEPS) {
        return DASSDP_E_VALUE;
    }
    int n_done = dassdp_idle(link->model, link->state, n_steps);
    if (n_done < 0) {
        return n_done;
    }
    dassdp_put_u16(response + DASSDP_IDLE_RESPONSE_N_DONE, (uint32_t)n_done);
    return DASSDP_IDLE_RESPONSE_BYTES - DASSDP_RESPONSE_HEADER_BYTES;
}

int dassdp_request_save(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                        uint8_t *response)
{
    (void)request;
    (void)n_open;
    (void)response;
    return dassdp_save(link->model, link->state);
}

int dassdp_request_rollback(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                            uint8_t *response)
{
    (void)request;
    (void)n_open;
    (void)response;
    return dassdp_rollback(link->model, link->state);
}

int dassdp_request_reset(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                         uint8_t *response)
{
    (void)n_open;
    (void)response;
    uint8_t erases = request[DASSDP_RESET_REQUEST_ERASES];
    int status = erases > 1u ? DASSDP_E_VALUE : DASSDP_OK;
    if (erases == 1u) {
        status = dassdp_slots_erase(link);
    }
    if (status != DASSDP_OK) {
        return status;
    }
    dassdp_init(link->model, link->state);
    link->is_held = 0;
    link->is_torn = 0;
    link->is_streaming = 0;
    return DASSDP_OK;
}

/* Counters of replay, guard and CUSUM gate, 0 where the model has none. */
static void put_additions(const dassdp_link_t *link, uint8_t *response)
{
    const dassdp_model_t *model = link->model;
    dassdp_replay_t replay = {0};
    dassdp_guard_t guard = {0};
    if (model->replay != 0) {
        replay = *(const dassdp_replay_t *)dassdp_at_const(link->state,
                                                           (uint32_t)model->replay->state_off);
    }
    if (model->guard != 0 && model->guard->state_off >= 0) {
        guard = *(const dassdp_guard_t *)dassdp_at_const(link->state,
                                                         (uint32_t)model->guard->state_off);
    }
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_REPLAYED, replay.n_replayed);
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_REPLAY_SKIPPED,
                   replay.n_replay_skipped);
    dassdp_put_u16(response + DASSDP_STATISTICS_RESPONSE_N_FALLBACKS, guard.n_fallbacks);
    dassdp_put_u16(response + DASSDP_STATISTICS_RESPONSE_HITS, dassdp_popcount(guard.hits_bits));
    dassdp_put_u16(response + DASSDP_STATISTICS_RESPONSE_FACTORY_HITS,
                   dassdp_popcount(guard.factory_hits_bits));
    uint32_t n_held = 0;
    uint32_t is_open = 1;
    if (model->cusum != 0) {
        const dassdp_cusum_t *cusum =
            dassdp_at_const(link->state, (uint32_t)model->cusum->state_off);
        n_held = cusum->n_held;
        is_open = cusum->is_open;
    }
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_HELD, n_held);
    response[DASSDP_STATISTICS_RESPONSE_IS_OPEN] = (uint8_t)is_open;
}

int dassdp_request_statistics(dassdp_link_t *link, const uint8_t *request, uint32_t n_open,
                              uint8_t *response)
{
    (void)request;
    (void)n_open;
    static const dassdp_learning_t nothing;
    const dassdp_learning_t *learning = &nothing;
    if (link->model->learning_off != DASSDP_NONE) {
        learning = (const void *)bytes_of(link, (uint32_t)link->model->learning_off);
    }
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_LABELLED, learning->n_labelled);
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_SKIPPED, learning->n_skipped);
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_UPDATES, learning->n_updates);
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_VANISHED, learning->n_vanished);
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_SATURATED,
                   dassdp_n_saturated(link->model, link->state));
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_X_SATURATED,
                   dassdp_n_x_saturated(link->model, link->state));
    put_additions(link, response);
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_STACK_SIZE, dassdp_port_stack_size());
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_STACK_USED, dassdp_port_stack_used());
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_RX_LOST, dassdp_port_rx_lost());
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_FRAMES_GOOD, link->frames_good);
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_FRAMES_BAD, link->frames_bad);
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_N_LESSONS,
                   dassdp_n_lessons(link->model, link->state));
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_LESSONS_DIGEST,
                   dassdp_lessons_digest(link->model, link->state));
    dassdp_put_u32(response + DASSDP_STATISTICS_RESPONSE_LEARNED_DIGEST,
                   dassdp_digest_learned(link->model, link->state, 0));
    return DASSDP_STATISTICS_RESPONSE_BYTES - DASSDP_RESPONSE_HEADER_BYTES;
}
