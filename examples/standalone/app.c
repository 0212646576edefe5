/* The application of app.h: readings in, decisions and lessons out. */
#include "app.h"

#include "wrist.h"

enum { WINDOW = WRIST_X_BYTES / APP_N_CHANNELS, GAP = 128, NOTHING = 0, SHORT, LONG };
enum { SLICE = 20000 }; /* instructions of a lesson between two looks at the port */

/* Filled by app_tick, emptied by app_poll; both counters run freely modulo 2^32. A window is read back
 * out of it, so that readings which may wait are those beyond. */
static volatile struct {
    uint32_t n_written;        /* by app_tick alone */
    uint32_t n_taken;          /* by app_poll alone */
    uint32_t n_lost;           /* by app_tick alone, as what follows */
    uint32_t last_ms;
    uint8_t is_gap;            /* GAP: the next reading does not follow the one before */
    uint8_t buttons[APP_RING]; /* with the reading, so that a press belongs to its time; GAP */
    int16_t counts[APP_RING][APP_N_CHANNELS];
} ring;

static wrist_state_t state;
static dassdp_saved_t saved;

static struct {
    uint32_t n_whole;  /* readings without a gap */
    uint32_t n_shown;  /* labels while the alarm was on */
    uint16_t n_down[2];/* readings for which A and B have been down */
    uint16_t label;    /* chosen */
    uint8_t is_fresh;  /* a window was decided, and has no label yet */
    uint8_t is_alarm;
    uint16_t class_idx;
} app;

/* ---- in the interrupt ---- */

uint32_t app_n_lost(void)
{
    return ring.n_lost;
}

static void lose(uint32_t n)
{
    ring.n_lost = ring.n_lost + n;
    ring.is_gap = GAP;
}

/* Ticks that did not come, because interrupts were off for longer than one, are readings lost. */
static void count_late(void)
{
    uint32_t now_ms = app_port_ms();
    uint32_t n_periods = (now_ms - ring.last_ms + APP_PERIOD_MS / 2) / APP_PERIOD_MS;
    if (n_periods > 1u) {
        lose(n_periods - 1u);
    }
    ring.last_ms = now_ms;
}

void app_tick(void)
{
    uint32_t n_written = ring.n_written, at = n_written % APP_RING;
    int16_t counts[APP_N_CHANNELS];
    count_late();
    if (n_written - ring.n_taken >= APP_RING - WINDOW || app_port_read(counts) != 0) {
        lose(1);
        return;
    }
    for (uint32_t c = 0; c < APP_N_CHANNELS; c++) {
        ring.counts[at][c] = counts[c];
    }
    ring.buttons[at] = (uint8_t)(app_port_buttons() | ring.is_gap);
    ring.is_gap = 0;
    ring.n_written = n_written + 1u;
}

/* ---- in the main loop ---- */

static void report(int kind, uint32_t class_idx, int32_t number)
{
    app_report_t made = {ring.n_taken, (int16_t)kind, (int16_t)class_idx, number};
    app_port_report(&made);
}

static void show_alarm(void)
{
    dassdp_drift_report_t drift;
    (void)dassdp_drift(&wrist_model, &state, &drift);
    if (app.is_alarm != drift.is_alarm) {
        app.is_alarm = (uint8_t)drift.is_alarm;
        app_port_alarm(app.is_alarm);
        report(APP_ALARM, 0, app.is_alarm);
    }
}

/* Each window is compared with the factory's once: with its label, or when the next one comes. */
static void observe(int32_t label)
{
    (void)dassdp_observe(&wrist_model, &state, label);
    app.is_fresh = 0;
    show_alarm();
}

/* The window that ends with the reading just taken, into the model. */
static void read_window(void)
{
    for (uint32_t i = ring.n_taken - WINDOW; i != ring.n_taken; i++) {
        int16_t counts[APP_N_CHANNELS];
        for (uint32_t c = 0; c < APP_N_CHANNELS; c++) {
            counts[c] = ring.counts[i % APP_RING][c];
        }
        (void)dassdp_read(&wrist_model, &state, counts);
    }
}

static void decide(void)
{
    dassdp_result_t result;
    if (app.is_fresh) {
        observe(DASSDP_NO_LABEL);
    }
    read_window();
    dassdp_note(&wrist_model, &state, 0); /* should it be learned: part of what can be proven */
    dassdp_begin(&wrist_model, &state, 0);
    for (uint32_t t_step = 0; t_step < WRIST_N_STEPS; t_step++) {
        dassdp_step(&wrist_model, &state);
        app_port_poll();
    }
    dassdp_end(&wrist_model, &state, &result);
    app.class_idx = result.class_idx;
    app.is_fresh = 1;
    report(APP_CLASS, app.class_idx, 0);
}

/* How the sensor is worn, from labels. */
static void show(void)
{
    dassdp_fit_t fit;
    observe(app.label);
    report(APP_OBSERVED, app.label, (int32_t)++app.n_shown);
    if (app.n_shown % APP_N_FIT == 0u) {
        (void)dassdp_fit_profile(&wrist_model, &state, &fit);
        report(APP_PROFILE, 0, fit.verdict);
        show_alarm();
    }
}

/* In slices, so that a port whose sensor needs the processor reads it between them. */
static void learn(void)
{
    dassdp_result_t result;
    observe(DASSDP_NO_LABEL);
    int status = dassdp_learn_begin(&wrist_model, &state, app.label, DASSDP_OWN_LOSS);
    while (status == DASSDP_OK &&
           dassdp_learn_step(&wrist_model, &state, SLICE, &result) == DASSDP_MORE) {
        app_port_poll();
    }
    report(APP_LEARNED, app.label, (int32_t)dassdp_digest_learned(&wrist_model, &state, 0));
}

static void teach(void)
{
    if (!app.is_fresh) {
        report(APP_NO_WINDOW, app.label, 0);
    } else if (app.is_alarm) {
        show();
    } else {
        learn();
    }
}

static void forget(void)
{
    dassdp_init(&wrist_model, &state);
    app.n_shown = 0;
    app.is_fresh = 0;
    show_alarm();
    report(APP_FORGOTTEN, 0, 0);
}

/* Where flash stops the processor readings are lost meanwhile; the next tick counts them. */
static void save(void)
{
    int status = dassdp_store_save(&app_port_slots, &state, &saved);
    report(APP_SAVED, 0, status == DASSDP_OK ? (int32_t)saved.n_saves : status);
}

/* A short press counts when the button is let go, a long one while it is held. */
static int press(uint32_t button, uint32_t is_down)
{
    uint32_t n_down = app.n_down[button];
    app.n_down[button] = (uint16_t)(is_down ? n_down + (n_down < APP_LONG ? 1u : 0u) : 0u);
    if (is_down) {
        return n_down + 1u == APP_LONG ? LONG : NOTHING;
    }
    return n_down != 0u && n_down < APP_LONG ? SHORT : NOTHING;
}

static void listen(uint32_t buttons)
{
    int a = press(0, buttons & APP_BUTTON_A), b = press(1, buttons & APP_BUTTON_B);
    if (a == SHORT) {
        app.label = (uint16_t)((app.label + 1u) % WRIST_N_CLASSES);
        report(APP_LABEL, app.label, 0);
    } else if (a == LONG) {
        forget();
    }
    if (b == SHORT) {
        teach();
    } else if (b == LONG) {
        save();
    }
}

void *app_state(void)
{
    return &state;
}

void app_was_asked(void)
{
    app.is_fresh = 0;
    show_alarm();
}

static void take(void)
{
    uint32_t buttons = ring.buttons[ring.n_taken % APP_RING];
    app.n_whole = buttons & GAP ? 1u : app.n_whole + 1u;
    ring.n_taken = ring.n_taken + 1u;
    if (buttons & GAP) {
        report(APP_LOST, 0, (int32_t)ring.n_lost);
    }
    if (app.n_whole >= WINDOW && (app.n_whole - WINDOW) % APP_HOP == 0u) {
        decide();
    }
    listen(buttons);
}

void app_start(void)
{
    dassdp_init(&wrist_model, &state);
    int status = dassdp_store_load(&app_port_slots, &state, &saved);
    app_port_alarm(0);
    report(APP_STARTED, saved.state, status == DASSDP_OK ? (int32_t)saved.n_saves : 0);
    ring.last_ms = app_port_ms();
}

int app_poll(void)
{
    if (ring.n_taken == ring.n_written) {
        return 0;
    }
    take();
    return 1;
}
