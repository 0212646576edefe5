/* Many models in one program: what it is asked of each of them, over a port. A request is an
 * operation and its numbers, in little-endian words; an answer is a status, then what it says. */
#include "fleet.h"

#include "dassdp_stream.h"
#include "dassdp_tables.h"
#include "port.h"
#include "stream.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n_bytes) ((void)(at), (void)(n_bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, n_bytes) ((void)(at), (void)(n_bytes))
#endif

static uint8_t receive(void)
{
    int byte = dassdp_port_get();
    while (byte < 0) {
        dassdp_port_wait();
        byte = dassdp_port_get();
    }
    return (uint8_t)byte;
}

static uint32_t receive_word(void)
{
    uint32_t word = 0;
    for (uint32_t shift = 0; shift < 32u; shift += 8u) {
        word |= (uint32_t)receive() << shift;
    }
    return word;
}

static void send_bytes(const void *bytes, uint32_t n_bytes)
{
    const uint8_t *next = bytes;
    while (n_bytes-- != 0u) {
        dassdp_port_put(*next++);
    }
}

static void send_word(uint32_t word)
{
    send_bytes(&word, sizeof word);
}

/* Of a model of values the targets behind its sample. */
static void receive_target(const fleet_model_t *of)
{
    int16_t target_q11[16];
    for (uint32_t i = 0; i < of->n_targets; i++) {
        uint32_t low = receive();
        target_q11[i] = (int16_t)(uint16_t)(low | (uint32_t)receive() << 8);
    }
    if (of->n_targets != 0u) {
        (void)dassdp_set_target(of->model, of->state, target_q11);
    }
}

/* Into the model, reading by reading, or into its x, which is given back. */
static const int8_t *receive_sample(const fleet_model_t *of)
{
    int16_t counts[32];
    for (uint32_t i = 0; i < of->x_bytes; i++) {
        if (of->n_channels == 0u) {
            of->x[i] = (int8_t)receive();
            continue;
        }
        uint32_t c = i % of->n_channels, low = receive();
        counts[c] = (int16_t)(uint16_t)(low | (uint32_t)receive() << 8);
        if (c + 1u == of->n_channels) {
            (void)dassdp_read(of->model, of->state, counts);
        }
    }
    receive_target(of);
    return of->n_channels == 0u ? of->x : 0;
}

/* What an event says is not compared. */
static void observe(const fleet_model_t *of)
{
    int32_t label = (int32_t)receive_word();
    (void)receive_word();
    (void)receive_sample(of);
    int status = dassdp_observe(of->model, of->state, label);
    send_word(status < 0 ? (uint32_t)status : 0u);
}

static void fit_profile(const fleet_model_t *of)
{
    dassdp_fit_t fit;
    send_word((uint32_t)dassdp_fit_profile(of->model, of->state, &fit));
}

/* Frames run as they arrive: the state has no room for more. */
static uint32_t run_frames(const fleet_model_t *of, const int8_t *x, dassdp_result_t *result)
{
    const uint8_t *bytes = (const uint8_t *)x;
    uint32_t n_left = of->x_bytes, crc = 0;
    dassdp_stream_begin(of->model, of->state, of->n_steps);
    while (dassdp_sample_part(of->model, of->state, &bytes, &n_left, 1, result) == 1) {
        crc = dassdp_digest_step(of->model, of->state, crc);
    }
    return crc;
}

static uint32_t n_known(const fleet_model_t *of)
{
    return of->model->classes != 0 ? of->model->classes->n_known : of->n_classes;
}

/* The next spare class, by the name that the host gives it. */
static void teach(const fleet_model_t *of)
{
    const char name[3] = {'c', (char)('0' + (int)receive_word()), 0};
    send_word((uint32_t)dassdp_new_class(of->model, of->state, name));
}

/* A sample: status, result, digests of its steps and of what was learned, logits before that. */
static void run(const fleet_model_t *of, uint8_t op)
{
    const dassdp_model_t *model = of->model;
    int32_t label = (int32_t)receive_word(), loss_q8 = (int32_t)receive_word();
    int status = DASSDP_OK;
    uint32_t crc = 0;
    dassdp_result_t result;
    const int8_t *x = receive_sample(of);
    if (dassdp_keeps_frame(model)) {
        crc = run_frames(of, x, &result);
    } else {
        if (op == 'l' || op == 'w') {
            dassdp_note(model, of->state, x);
        }
        dassdp_begin(model, of->state, x);
        for (uint32_t t_step = 0; t_step < of->n_steps; t_step++) {
            dassdp_step(model, of->state);
            crc = dassdp_digest_step(model, of->state, crc);
        }
        dassdp_end(model, of->state, &result);
    }
    crc = dassdp_digest_logits(model, of->state, crc);
    send_bytes(dassdp_logits(model, of->state), 4u * of->n_classes);
    if (op == 'l') {
        status = dassdp_learn(model, of->state, label, loss_q8, &result);
    } else if (op == 'w') {
        status = dassdp_warm_up(model, of->state, label, loss_q8, &result);
    }
    send_word((uint32_t)status);
    send_bytes(&result, sizeof result);
    send_word(crc);
    send_word(dassdp_digest_learned(model, of->state, 0));
}

/* From here on until its state is asked for, nothing may touch the gaps of a model. */
static void begin(const fleet_model_t *of)
{
    dassdp_init(of->model, of->state);
    for (const uint32_t *gap = of->gaps; gap[1] != 0u; gap += 2) {
        ASAN_POISON_MEMORY_REGION((uint8_t *)of->state + gap[0], gap[1]);
    }
}

int main(void)
{
    const fleet_model_t *of = &fleet[0];
    dassdp_port_init();
    dassdp_port_put('R');
    for (;;) {
        uint8_t op = receive();
        switch (op) {
        case 'm':
            of = &fleet[receive_word()];
            begin(of);
            break;
        case 'd':
            ASAN_UNPOISON_MEMORY_REGION(of->state, of->state_bytes);
            send_bytes(of->state, of->state_bytes);
            break;
        case 'n':
            send_word((uint32_t)dassdp_idle(of->model, of->state, receive_word()));
            break;
        case 'f':
            send_word((uint32_t)dassdp_fit_gate(of->model, of->state));
            break;
        case 's':
            send_word((uint32_t)dassdp_save(of->model, of->state));
            break;
        case 'o':
            observe(of);
            break;
        case 'p':
            fit_profile(of);
            break;
        case 'c':
            send_word((uint32_t)dassdp_select_profile(of->model, of->state, receive_word()));
            break;
        case 'a':
            send_word((uint32_t)dassdp_allow_profile(of->model, of->state, 1));
            break;
        case 't':
            teach(of);
            break;
        case 'g':
            send_word((uint32_t)dassdp_forget_class(of->model, of->state,
                                                    n_known(of) + receive_word()));
            break;
        case 'r':
            send_word((uint32_t)dassdp_rollback(of->model, of->state));
            break;
        default:
            run(of, op);
        }
    }
}
