/* The application on a board of edge_dassdp with a scripted sensor: a timer's interrupt gives one row of
 * script.c, readings and buttons, every 20 ms. Over its UART the board is told from which row to which,
 * two little-endian words; it says what the application reports, and `end` with the readings lost and the
 * stack used. With -DAPP_LINK=1 the first time is the last: then it answers a host. */
#include "app.h"

#include "dassdp_board.h"
#include "dassdp_flash.h"
#include "dassdp_link.h"
#include "port.h"
#include "script.h"
#include "uart.h"
#include "wrist.h"

#include <string.h>

/* Of the counter of port.h, and of SysTick: a board's clock, but QEMU may have its own idea of it. */
#ifndef TICKS_PER_MS
#define TICKS_PER_MS (DASSDP_CLOCK_HZ / 1000U)
#endif
#ifndef APP_LINK
#define APP_LINK 0
#endif
#ifndef SYSTICK_HZ
#define SYSTICK_HZ DASSDP_CLOCK_HZ
#endif

static struct {
    volatile uint32_t row, end;
    uint32_t last_ticks, ms;
} script;

/* ---- the timer, whose interrupt startup.c knows by -DDASSDP_APPLICATION_IRQ ---- */

#if DASSDP_APPLICATION_IRQ == -1 /* SysTick */
static void start_timer(void)
{
    *dassdp_register(0xE000E014UL) = SYSTICK_HZ / 1000U * APP_PERIOD_MS - 1U;
    *dassdp_register(0xE000E018UL) = 0U;
    *dassdp_register(0xE000E010UL) = 7U; /* core clock, interrupt, on */
}

static void clear_timer(void)
{
}
#else /* TIMER1 of nRF51, which has no SysTick: 16 bits at 31,250 Hz */
#define TIMER1 0x40009000UL

static void start_timer(void)
{
    *dassdp_register(TIMER1 + 0x508U) = 0U; /* BITMODE */
    *dassdp_register(TIMER1 + 0x510U) = 9U; /* PRESCALER */
    *dassdp_register(TIMER1 + 0x540U) = APP_PERIOD_MS * 31250U / 1000U;
    *dassdp_register(TIMER1 + 0x200U) = 1U;         /* cleared by its compare 0 */
    *dassdp_register(TIMER1 + 0x304U) = 1UL << 16;  /* which interrupts */
    *dassdp_register(0xE000E100UL) = 1UL << DASSDP_APPLICATION_IRQ;
    *dassdp_register(TIMER1 + 0x00CU) = 1U;
    *dassdp_register(TIMER1) = 1U;
}

static void clear_timer(void)
{
    *dassdp_register(TIMER1 + 0x140U) = 0U;
}
#endif

void dassdp_application_isr(void);

void dassdp_application_isr(void)
{
    clear_timer();
    if (script.row < script.end) {
        app_tick();
        script.row = script.row + 1u;
    }
}

/* ---- what the application asks for ---- */

int app_port_read(int16_t counts[APP_N_CHANNELS])
{
    for (uint32_t c = 0; c < APP_N_CHANNELS; c++) {
        counts[c] = script_rows[script.row][c];
    }
    return 0;
}

uint32_t app_port_buttons(void)
{
    return (uint32_t)script_rows[script.row][APP_N_CHANNELS];
}

uint32_t app_port_ms(void)
{
    uint32_t n_ms = (dassdp_port_ticks() - script.last_ticks) / TICKS_PER_MS;
    script.last_ticks += n_ms * TICKS_PER_MS;
    script.ms += n_ms;
    return script.ms;
}

static void put(const char *text, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        dassdp_port_put((uint8_t)text[i]);
    }
}

void app_port_report(const app_report_t *report)
{
    char line[APP_LINE_BYTES];
    put(line, app_text(report, line));
}

void app_port_alarm(int is_on)
{
    (void)is_on;
}

void app_port_poll(void)
{
}

#if !DASSDP_STORES /* none of the board's flash: kept until the power goes */
#define DASSDP_STORE_ORIGIN 0U
#define DASSDP_STORE_SLOT_BYTES 8192U
#define DASSDP_STORE_ERASE_BYTES 1024U
#define DASSDP_STORE_WRITE_BYTES 4U
static uint32_t words[2U * DASSDP_STORE_SLOT_BYTES / 4U];

int dassdp_flash_erase(uint32_t address)
{
    for (uint32_t i = 0; i < DASSDP_STORE_ERASE_BYTES / 4U; i++) {
        words[address / 4U + i] = UINT32_MAX;
    }
    return 0;
}

int dassdp_flash_write(uint32_t address, const uint32_t *unit)
{
    words[address / 4U] = *unit;
    return 0;
}

const uint8_t *dassdp_flash_at(uint32_t address)
{
    return (const uint8_t *)&words[address / 4U];
}
#endif

static uint32_t unit_written[DASSDP_STORE_WRITE_BYTES / 4U];

const dassdp_slots_t app_port_slots = {
    .model = &wrist_model,
    .build = DASSDP_BUILD_HASH,
    .address = DASSDP_STORE_ORIGIN,
    .slot_bytes = DASSDP_STORE_SLOT_BYTES,
    .erase_bytes = DASSDP_STORE_ERASE_BYTES,
    .write_bytes = DASSDP_STORE_WRITE_BYTES,
    .unit = unit_written,
};

/* ---- main ---- */

static uint32_t receive_word(void)
{
    uint32_t word = 0;
    for (uint32_t shift = 0; shift < 32u; shift += 8u) {
        int byte = dassdp_port_get();
        while (byte < 0) {
            dassdp_port_wait();
            byte = dassdp_port_get();
        }
        word |= (uint32_t)byte << shift;
    }
    return word;
}

static void play(void)
{
    script.row = receive_word();
    script.end = receive_word();
    start_timer();
    while (script.row < script.end || app_poll()) {
        if (!app_poll()) {
            dassdp_port_wait();
        }
    }
}

static void put_number(const char *word, uint32_t number)
{
    uint32_t least = 1;
    put(word, (uint32_t)strlen(word));
    while (number / least >= 10u) {
        least *= 10u;
    }
    for (; least != 0u; least /= 10u) {
        dassdp_port_put((uint8_t)('0' + number / least % 10u));
    }
}

static void say_end(void)
{
    put_number("end ", script.row);
    put_number(" lost ", app_n_lost());
    put_number(" stack ", dassdp_port_stack_used());
    put("\n", 1);
}

#if APP_LINK
static void answer(void)
{
    static dassdp_link_t link;
    static uint8_t request[WRIST_LINK_REQUEST_BYTES], response[WRIST_LINK_RESPONSE_BYTES];
    if (dassdp_link_init(&link, &wrist_model, app_state(), request, sizeof request, response,
                         sizeof response) != DASSDP_OK) {
        return;
    }
    for (;;) {
        int byte = dassdp_port_get();
        if (byte < 0) {
            dassdp_port_wait();
        } else {
            dassdp_link_receive(&link, (uint8_t)byte);
            app_was_asked();
        }
    }
}
#endif

int main(void)
{
    dassdp_port_init();
#if !DASSDP_STORES
    (void)memset(words, 0xFF, sizeof words);
#endif
    app_start();
    for (;;) {
        play();
        say_end();
#if APP_LINK
        answer();
#endif
    }
}
