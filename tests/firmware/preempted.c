/* A timer interrupts the main loop, which classifies and learns with one model, anywhere in its calls: in the
 * interrupt another model classifies and learns on a state of its own. After N_INTERRUPTS it tells what came of
 * either, and where each interrupt came. */
#include "dassdp_board.h"
#include "dassdp_learned.h"
#include "inner_model.h"
#include "outer_model.h"
#include "port.h"
#include "samples.h"
#include "uart.h"

/* ---- the timer, one shot behind another, none while its interrupt runs ---- */

#if DASSDP_APPLICATION_IRQ == -1 /* SysTick */
static void start_timer(uint32_t n_ticks)
{
    *dassdp_register(0xE000E014UL) = n_ticks;
    *dassdp_register(0xE000E018UL) = 0U;
    *dassdp_register(0xE000E010UL) = 7U;         /* core clock, interrupt, on */
    *dassdp_register(0xE000ED04UL) = 1UL << 25;  /* what came meanwhile is forgotten */
}

static void stop_timer(void)
{
    *dassdp_register(0xE000E010UL) = 0U;
}
#else /* TIMER1 of nRF51, 16 bits at 1 MHz */
#define TIMER1 0x40009000UL

static void start_timer(uint32_t n_ticks)
{
    *dassdp_register(TIMER1 + 0x508U) = 0U; /* BITMODE */
    *dassdp_register(TIMER1 + 0x510U) = 4U; /* PRESCALER */
    *dassdp_register(TIMER1 + 0x540U) = n_ticks;
    *dassdp_register(TIMER1 + 0x304U) = 1UL << 16; /* which interrupts */
    *dassdp_register(0xE000E100UL) = 1UL << DASSDP_APPLICATION_IRQ;
    *dassdp_register(TIMER1 + 0x00CU) = 1U;
    *dassdp_register(TIMER1) = 1U;
}

static void stop_timer(void)
{
    *dassdp_register(TIMER1 + 0x004U) = 1U;
    *dassdp_register(TIMER1 + 0x140U) = 0U;
}
#endif

/* ---- a model, and a chain over all that came of its calls ---- */

typedef struct {
    const dassdp_model_t *model;
    void *state;
    const int8_t *samples; /* N_SAMPLES of x_bytes */
    uint32_t x_bytes, n_classes;
    uint32_t n_calls, crc;
} learner_t;

enum { OUTSIDE, INFER, LEARN, N_PLACES };

static outer_state_t outer_state;
static inner_state_t inner_state;
static learner_t outer = {&outer_model, &outer_state, &outer_samples[0][0], OUTER_X_BYTES, OUTER_N_CLASSES, 0, 0};
static learner_t inner = {&inner_model, &inner_state, &inner_samples[0][0], INNER_X_BYTES, INNER_N_CLASSES, 0, 0};
static volatile uint32_t outer_place, n_interrupts;
static uint32_t n_in[N_PLACES], n_with_vectors, interrupted_at[N_INTERRUPTS];

/* One sample; every n-th is learned, too. place: told where it is. */
static void run(learner_t *of, uint32_t learn_every, volatile uint32_t *place)
{
    const int8_t *x = of->samples + of->n_calls % N_SAMPLES * of->x_bytes;
    uint32_t is_lesson = of->n_calls % learn_every == 0u;
    dassdp_result_t result;
    if (is_lesson) {
        dassdp_note(of->model, of->state, x);
    }
    *place = INFER;
    dassdp_infer(of->model, of->state, x, &result);
    *place = OUTSIDE;
    of->crc = dassdp_crc32(of->crc, dassdp_logits(of->model, of->state), 4u * of->n_classes);
    of->crc = dassdp_crc32(of->crc, &result.class_idx, sizeof result.class_idx);
    if (is_lesson) {
        *place = LEARN;
        int status = dassdp_learn(of->model, of->state, (int32_t)(of->n_calls % of->n_classes), DASSDP_OWN_LOSS,
                                  &result);
        *place = OUTSIDE;
        uint32_t learned[] = {(uint32_t)status, result.loss_q8, dassdp_digest_learned(of->model, of->state, 0)};
        of->crc = dassdp_crc32(of->crc, learned, sizeof learned);
    }
    of->n_calls++;
}

/* ---- the interrupt: with the frame that the core stacked, and how it will return ---- */

__asm__(".syntax unified\n\t"
        ".thumb\n\t"
        ".text\n\t"
        ".global dassdp_application_isr\n\t"
        ".type dassdp_application_isr, %function\n\t"
        ".thumb_func\n"
        "dassdp_application_isr:\n\t"
        "mov r0, sp\n\t"
        "mov r1, lr\n\t"
        "push {r3, lr}\n\t"
        "bl interrupted\n\t"
        "pop {r3, pc}\n\t"
        ".size dassdp_application_isr, . - dassdp_application_isr\n");

void interrupted(const uint32_t *frame, uint32_t exc_return);

void interrupted(const uint32_t *frame, uint32_t exc_return)
{
    static volatile uint32_t ignored;
    static uint32_t random = 1;
    stop_timer();
    n_in[outer_place]++;
    n_with_vectors += (exc_return >> 4 & 1u) ^ 1u;
    interrupted_at[n_interrupts] = frame[6];
    run(&inner, INNER_LEARN_EVERY, &ignored);
    n_interrupts = n_interrupts + 1u;
    if (n_interrupts < N_INTERRUPTS) {
        random = random * 1664525u + 1013904223u;
        start_timer(LEAST_TICKS + random / 256u % (15u * LEAST_TICKS));
    }
}

static void send(uint32_t value)
{
    for (uint32_t shift = 0; shift < 32u; shift += 8u) {
        dassdp_port_put((uint8_t)(value >> shift));
    }
}

int main(void)
{
    dassdp_port_init();
#ifdef FPCCR_CLEARED
    *dassdp_register(0xE000EF34UL) &= ~(FPCCR_CLEARED);
#endif
    dassdp_init(outer.model, outer.state);
    dassdp_init(inner.model, inner.state);
    start_timer(LEAST_TICKS);
    while (n_interrupts < N_INTERRUPTS) {
        run(&outer, OUTER_LEARN_EVERY, &outer_place);
    }
    send(outer.n_calls);
    send(outer.crc);
    send(inner.n_calls);
    send(inner.crc);
    send(n_in[INFER]);
    send(n_in[LEARN]);
    send(n_with_vectors);
    send(dassdp_port_stack_used());
    for (uint32_t i = 0; i < N_INTERRUPTS; i++) {
        send(interrupted_at[i]);
    }
    for (;;) {
        dassdp_port_wait();
    }
}
