/* Reports as text, for ports that print. */
#include "app.h"

#include "wrist.h"

static char *put_text(char *at, const char *text)
{
    while (*text != '\0') {
        *at++ = *text++;
    }
    return at;
}

/* Of a class, as much as a line holds. */
static char *put_name(char *at, const app_report_t *report)
{
    const char *name = wrist_class_names[report->class_idx];
    for (uint32_t i = 0; i < 24u && name[i] != '\0'; i++) {
        *at++ = name[i];
    }
    return at;
}

static char *put_number(char *at, uint32_t number, uint32_t base)
{
    char digits[10];
    uint32_t n_digits = 0;
    do {
        digits[n_digits++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0u);
    while (n_digits != 0u) {
        *at++ = digits[--n_digits];
    }
    return at;
}

static char *put_start(char *at, const app_report_t *report)
{
    if (report->number != 0) {
        return put_number(put_text(at, "loaded "), (uint32_t)report->number, 10);
    }
    at = put_text(at, "factory");
    switch (report->class_idx) {
    case DASSDP_STORE_FOREIGN:
        return put_text(at, ": what was saved is another model's");
    case DASSDP_STORE_DAMAGED:
        return put_text(at, ": what was saved is damaged");
    default:
        return at;
    }
}

/* What follows the number of readings. */
static char *put_what(char *at, const app_report_t *report)
{
    uint32_t number = (uint32_t)report->number;
    switch (report->kind) {
    case APP_STARTED:
        return put_start(at, report);
    case APP_CLASS:
        return put_name(at, report);
    case APP_LABEL:
        return put_name(put_text(at, "label "), report);
    case APP_LEARNED:
        at = put_name(put_text(at, "learned "), report);
        return put_number(put_text(at, " "), number, 16);
    case APP_OBSERVED:
        at = put_name(put_text(at, "shown "), report);
        return put_number(put_text(at, " "), number, 10);
    case APP_PROFILE:
        return put_text(at, report->number == 2 ? "profile taken" : "no profile fits, show more");
    case APP_ALARM:
        return put_text(at, number != 0u ? "alarm on" : "alarm off");
    case APP_NO_WINDOW:
        return put_text(at, "nothing to label");
    case APP_SAVED:
        return report->number < 0 ? put_text(at, "not saved")
                                  : put_number(put_text(at, "saved "), number, 10);
    case APP_FORGOTTEN:
        return put_text(at, "forgotten");
    default:
        return put_number(put_text(at, "lost "), number, 10);
    }
}

uint32_t app_text(const app_report_t *report, char line[APP_LINE_BYTES])
{
    char *end = put_text(put_number(line, report->n_readings, 10), " ");
    end = put_text(put_what(end, report), "\n");
    return (uint32_t)(end - line);
}
