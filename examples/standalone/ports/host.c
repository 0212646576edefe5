/* The application on a computer: readings from stdin, a line `x,y,z` or `x,y,z,buttons` each (512 is 1 g;
 * 1 is A, 2 is B), reports to stdout. A line of another kind is a reading that did not come. The first
 * argument names the file that stands for the flash. */
#include "app.h"
#include "dassdp_flash.h"
#include "wrist.h"

#include <stdio.h>
#include <string.h>

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

/* ---- flash: an array, and the file that it is kept in ---- */

enum { SLOT_BYTES = 16384, ERASE_BYTES = 1024, WRITE_BYTES = 8 };

static uint32_t flash[2 * SLOT_BYTES / 4], unit[WRITE_BYTES / 4];
static FILE *flash_file;

const dassdp_slots_t app_port_slots = {
    &wrist_model, 0, 0, SLOT_BYTES, ERASE_BYTES, WRITE_BYTES, 0, unit,
};

static int keep(uint32_t address, uint32_t n_bytes)
{
    if (flash_file == NULL) {
        return 0;
    }
    return fseek(flash_file, (long)address, SEEK_SET) != 0 ||
           fwrite(&flash[address / 4], 1, n_bytes, flash_file) != n_bytes || fflush(flash_file) != 0;
}

int dassdp_flash_erase(uint32_t address)
{
    memset(&flash[address / 4], 0xFF, ERASE_BYTES);
    return keep(address, ERASE_BYTES);
}

int dassdp_flash_write(uint32_t address, const uint32_t *words)
{
    memcpy(&flash[address / 4], words, WRITE_BYTES);
    return keep(address, WRITE_BYTES);
}

const uint8_t *dassdp_flash_at(uint32_t address)
{
    return (const uint8_t *)&flash[address / 4];
}

/* A file that is not there yet is blank flash. Returns 0, or 1: it cannot be written. */
static int open_flash(const char *path)
{
    memset(flash, 0xFF, sizeof flash);
    if (path == NULL) {
        return 0;
    }
    flash_file = fopen(path, "r+b");
    if (flash_file != NULL) {
        (void)fread(flash, 1, sizeof flash, flash_file);
        return 0;
    }
    flash_file = fopen(path, "w+b");
    return flash_file == NULL || keep(0, sizeof flash);
}

/* ---- main ---- */

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

int main(int n_arguments, char **arguments)
{
    if (open_flash(n_arguments > 1 ? arguments[1] : NULL) != 0) {
        (void)fprintf(stderr, "%s cannot be written\n", arguments[1]);
        return 1;
    }
    app_start();
    while (read_line()) {
        app_tick();
        while (app_poll()) {
        }
    }
    return 0;
}
