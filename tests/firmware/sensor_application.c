/* A model with a sensor as an application would run it, reading by reading: the public headers are all
 * that it needs. C11 and C++11. For each sample received, with a label and a word that says what is
 * done with it, it sends what came of it. */
#include "port.h"
#include "worn_model.h"

enum { LEARN = 0, OBSERVE = 1, FIT = 2, SELECT = 3, LOOK = 4, ALLOW = 5 };

static worn_state_t state;
static uint32_t n_events[4]; /* by event, as the callback was told */
static uint32_t n_searched;  /* profiles tried */

void dassdp_on_search(void)
{
    n_searched++;
}

void dassdp_on_drift(const dassdp_model_t *model, void *of, int event)
{
    if (model == &worn_model && of == &state) {
        n_events[event]++;
    }
}

static uint8_t receive(void)
{
    int byte = dassdp_port_get();
    while (byte < 0) {
        dassdp_port_wait();
        byte = dassdp_port_get();
    }
    return (uint8_t)byte;
}

static void send(uint32_t value)
{
    for (uint32_t shift = 0; shift < 32u; shift += 8u) {
        dassdp_port_put((uint8_t)(value >> shift));
    }
}

/* Returns what dassdp_read said of the last reading. */
static int read_sample(void)
{
    int16_t counts[WORN_N_CHANNELS];
    int said = 0;
    for (uint32_t r = 0; r < WORN_N_READINGS; r++) {
        for (uint32_t c = 0; c < WORN_N_CHANNELS; c++) {
            uint32_t low = receive();
            counts[c] = (int16_t)(uint16_t)(low | (uint32_t)receive() << 8);
        }
        said = said != 0 ? -1 : dassdp_read(&worn_model, &state, counts);
    }
    return said;
}

static int act(uint32_t word, uint8_t label, dassdp_result_t *result)
{
    dassdp_fit_t fit;
    switch (word) {
    case LEARN:
        dassdp_note(&worn_model, &state, 0);
        dassdp_infer(&worn_model, &state, 0, result);
        return dassdp_learn(&worn_model, &state, label, DASSDP_OWN_LOSS, result);
    case OBSERVE:
        return dassdp_observe(&worn_model, &state, label);
    case LOOK:
        return dassdp_observe(&worn_model, &state, DASSDP_NO_LABEL);
    case ALLOW:
        return dassdp_allow_profile(&worn_model, &state, label);
    case FIT:
        return dassdp_fit_profile(&worn_model, &state, &fit) == DASSDP_OK ? fit.verdict : -128;
    default:
        return dassdp_select_profile(&worn_model, &state, label);
    }
}

int main(void)
{
    dassdp_port_init();
    dassdp_init(&worn_model, &state);
    dassdp_port_put('R');
    for (;;) {
        dassdp_result_t result = {0, 0, 0, 0, 0, 0, 0};
        dassdp_profile_t profile;
        dassdp_drift_report_t drift;
        int said = read_sample();
        uint8_t label = receive();
        int status = act(receive(), label, &result);
        (void)dassdp_profile(&worn_model, &state, &profile);
        (void)dassdp_drift(&worn_model, &state, &drift);
        send((uint32_t)said);
        send((uint32_t)status);
        send(result.class_idx | (uint32_t)result.loss_q8 << 16);
        send(profile.selected | (uint32_t)profile.stored << 16);
        send(drift.n_windows | (uint32_t)drift.median_q8 << 16);
        send(n_events[DASSDP_ALARM_ON] | n_events[DASSDP_ALARM_OFF] << 8
             | n_events[DASSDP_PROFILE_TAKEN] << 16 | (uint32_t)drift.is_alarm << 24);
        send(dassdp_digest_learned(&worn_model, &state, 0));
        send(n_searched);
    }
}
