/* An application that learns without a host: what it does, and what it asks of its board.
 *
 * A timer reads an accelerometer fifty times a second. Every second the last two are classified.
 *
 *     A, short   the next label          B, short   what just happened was of that label: learn it
 *     A, long    forget what was learned B, long    keep what was learned in flash
 *
 * While the alarm is on the sensor is worn otherwise than in training: labels then say how. After
 * APP_N_FIT of them the profile that fits is taken, the alarm goes out, and labels are learned again.
 *
 * A port defines what stands below as app_port_*, and calls app_start once, app_tick at every reading's
 * time and app_poll for ever. C11, and C++ from 11 on. */
#ifndef APP_H
#define APP_H

#include "dassdp_store.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef APP_PERIOD_MS
#define APP_PERIOD_MS 20 /* between two readings */
#endif

enum {
    APP_N_CHANNELS = 3,  /* x, y, z of an acceleration; 512 is 1 g */
    APP_HOP = 50,        /* readings between two decisions */
    APP_RING = 128,      /* readings kept, a power of two: a window, and 28 that may wait */
    APP_LONG = 50,       /* readings that a long press lasts */
    APP_N_FIT = 14,      /* labels after which a profile is fitted */
    APP_LINE_BYTES = 64
};

enum { APP_BUTTON_A = 1, APP_BUTTON_B = 2 };

/* What came to be. `number` where it says so. */
enum {
    APP_STARTED,   /* number: of the save that was loaded, 0: factory; class_idx: DASSDP_STORE_* */
    APP_CLASS,     /* the last window is of class_idx */
    APP_LABEL,     /* class_idx was chosen */
    APP_LEARNED,   /* the last window, as class_idx; number: digest of all that was learned */
    APP_OBSERVED,  /* likewise, for the profile; number: how many were */
    APP_PROFILE,   /* number: 2, one was taken; else none fits: show more */
    APP_ALARM,     /* number: 1, it came on; 0, it went out */
    APP_NO_WINDOW, /* there is none to label, or it has its label */
    APP_SAVED,     /* number: of the save; negative: it failed, and the one before counts */
    APP_FORGOTTEN,
    APP_LOST       /* number: readings lost in all; windows begin anew */
};

typedef struct {
    uint32_t n_readings; /* taken since the start */
    int16_t kind;        /* one of the above */
    int16_t class_idx;
    int32_t number;
} app_report_t;

/* ---- the application ---- */

void app_start(void);          /* once, when the board works: loads what was saved */
void app_tick(void);           /* every APP_PERIOD_MS: from a timer's interrupt, or from app_port_poll */
int app_poll(void);            /* does what is due; returns whether there was something */
uint32_t app_n_lost(void);     /* readings lost since the start */

/* For ports over which a host looks in, as dassdp_link.h says: the model's state, and, behind each byte that
 * the link was given, that a request may have run another sample. Not within app_port_poll. */
void *app_state(void);
void app_was_asked(void);

/* A report as a line of text with its end, for ports that print; returns its length. */
uint32_t app_text(const app_report_t *report, char line[APP_LINE_BYTES]);

/* ---- the port ---- */

/* Called by app_tick alone. */
int app_port_read(int16_t counts[APP_N_CHANNELS]); /* 0, or not 0: it did not come */
uint32_t app_port_buttons(void);                   /* those that are down */
uint32_t app_port_ms(void);                        /* upwards, modulo 2^32 */

/* Called by app_poll alone. */
void app_port_report(const app_report_t *report);
void app_port_alarm(int is_on);
void app_port_poll(void); /* at least every few ms while something is computed: may call app_tick */

/* Two slots of flash, which dassdp_flash_* of flash.h erase and write; slot_bytes 0: there are none. */
extern const dassdp_slots_t app_port_slots;

#ifdef __cplusplus
}
#endif

#endif
