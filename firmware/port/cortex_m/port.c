/* port.h on any Cortex-M, driven by the constants of dassdp_board.h. */
#include "port.h"
#include "startup.h"
#include "uart.h"

typedef struct {
    const dassdp_store_t *setup;
    uint32_t n_setup;
    uint32_t capture; /* written with 1 before a reading; 0: none */
    uint32_t count;
    uint32_t bits;
    uint32_t down; /* 1: counts down */
} counter_t;

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static const dassdp_store_t board_setup[] = DASSDP_BOARD_SETUP;

#if DASSDP_BOARD_HAS_WATCHDOG
static const dassdp_store_t watchdog_setup[] = DASSDP_WATCHDOG_SETUP;
static const dassdp_store_t watchdog_feed[] = DASSDP_WATCHDOG_FEED;
#endif

#ifdef DASSDP_MARKER_SETUP
static const dassdp_store_t marker_setup[] = DASSDP_MARKER_SETUP;
#endif

#define COUNTER_SETUP(name, stores, capture, count, bits, down) \
    static const dassdp_store_t name##_setup[] = stores;
DASSDP_BOARD_COUNTERS(COUNTER_SETUP)

#define COUNTER(name, stores, capture, count, bits, down) \
    {name##_setup, N_OF(name##_setup), capture, count, bits, down},
static const counter_t counters[] = {DASSDP_BOARD_COUNTERS(COUNTER)};

static const counter_t *dassdp_counter; /* the one in use */

_Static_assert(sizeof dassdp_counter == DASSDP_COUNTER_RAM_BYTES, "the ledger counts on this size");

static uint32_t read_counter(const counter_t *counter) {
    if (counter->capture != 0U) {
        *dassdp_register(counter->capture) = 1U;
    }
    uint32_t count = *dassdp_register(counter->count);
    return counter->down != 0U ? 0U - count : count;
}

/* The first counter that moves, or the last one. */
static const counter_t *find_counter(void) {
    for (uint32_t i = 0; i < N_OF(counters); i++) {
        dassdp_run_stores(counters[i].setup, counters[i].n_setup);
        uint32_t before = read_counter(&counters[i]);
        for (uint32_t n = 0; n < 64U; n++) {
            if (read_counter(&counters[i]) != before) {
                return &counters[i];
            }
        }
    }
    return &counters[N_OF(counters) - 1U];
}

void dassdp_port_init(void) {
    dassdp_run_stores(board_setup, N_OF(board_setup));
    __asm volatile("dsb\n\tisb" ::: "memory"); /* CPACR may be among it */
    dassdp_counter = find_counter();
#ifdef DASSDP_MARKER_SETUP
    dassdp_run_stores(marker_setup, N_OF(marker_setup));
#endif
    dassdp_uart_init();
    dassdp_uart_irq_on();
#if DASSDP_BOARD_HAS_WATCHDOG
    dassdp_run_stores(watchdog_setup, N_OF(watchdog_setup));
#endif
}

void dassdp_port_feed(void) {
#if DASSDP_BOARD_HAS_WATCHDOG
    dassdp_run_stores(watchdog_feed, N_OF(watchdog_feed));
#endif
}

int dassdp_port_get(void) {
    return dassdp_rx_pop();
}

void dassdp_port_put(uint8_t byte) {
    dassdp_uart_put(byte);
}

/* With interrupts masked a pending one still ends wfi: no byte can slip in between. Beside a watchdog
 * that counts on in sleep it does not sleep. */
void dassdp_port_wait(void) {
#if !DASSDP_WATCHDOG_IN_SLEEP
    __asm volatile("cpsid i" ::: "memory");
    if (dassdp_rx_is_empty()) {
        __asm volatile("wfi" ::: "memory");
    }
    __asm volatile("cpsie i" ::: "memory");
#endif
}

uint32_t dassdp_port_ticks(void) {
    return read_counter(dassdp_counter);
}

uint32_t dassdp_port_tick_bits(void) {
    return dassdp_counter->bits;
}

uint32_t dassdp_port_counter(void) {
    return (uint32_t)(dassdp_counter - counters);
}

uint32_t dassdp_port_stack_size(void) {
    return DASSDP_STACK_BYTES;
}

uint32_t dassdp_port_stack_used(void) {
    uint32_t n_words = 0; /* never used */
    while (n_words < DASSDP_STACK_BYTES / 4U && dassdp_stack_begin[n_words] == DASSDP_STACK_PAINT) {
        n_words++;
    }
    return DASSDP_STACK_BYTES - 4U * n_words;
}

uint32_t dassdp_port_rx_lost(void) {
    return dassdp_rx_lost();
}
