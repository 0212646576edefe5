/* The application on a computer: readings from stdin, a line `x,y,z` or `x,y,z,buttons` each (512 is 1 g;
 * 1 is A, 2 is B), reports to stdout. A line of another kind is a reading that did not come. */
#include "app.h"

#include <stdio.h>

static struct {
    int counts[APP_N_CHANNELS], buttons, is_reading;
    uint32_t n_lines;
} now;

int app_port_read(int16_t counts[APP_N_CHANNELS])
{
    for (int c = 0; c < APP_N_CHANNELS; c++) {
        counts[c] = (int16_t)now.counts[c];
    }
    return now.is_reading ? 0 : 1;
}

uint32_t app_port_buttons(void)
{
    return (uint32_t)now.buttons;
}

uint32_t app_port_ms(void)
{
    return now.n_lines * APP_PERIOD_MS;
}

void app_port_report(const app_report_t *report)
{
    char line[APP_LINE_BYTES];
    (void)fwrite(line, 1, app_text(report, line), stdout);
}

void app_port_alarm(int is_on)
{
    (void)is_on; /* its report stands on the screen */
}

void app_port_poll(void)
{
}

static int read_line(void)
{
    char line[80];
    if (fgets(line, sizeof line, stdin) == NULL) {
        return 0;
    }
    now.buttons = 0;
    now.is_reading = sscanf(line, "%d,%d,%d,%d", &now.counts[0], &now.counts[1], &now.counts[2],
                            &now.buttons) >= APP_N_CHANNELS;
    now.n_lines++;
    return 1;
}

int main(void)
{
    app_start();
    while (read_line()) {
        app_tick();
        while (app_poll()) {
        }
    }
    return 0;
}
