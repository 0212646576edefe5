/* Two models by turns, as an application would run them: the public headers are all that it needs.
 * C11 and C++11. For each sample received with its label it sends what came of it. */
#include "first_model.h"
#include "port.h"
#include "second_model.h"

static first_state_t first_state;
static second_state_t second_state;
static int8_t sample[FIRST_X_BYTES > SECOND_X_BYTES ? FIRST_X_BYTES : SECOND_X_BYTES];

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

static void turn(const dassdp_model_t *model, void *state, uint32_t x_bytes, uint32_t n_classes)
{
    dassdp_result_t result;
    for (uint32_t i = 0; i < x_bytes; i++) {
        sample[i] = (int8_t)receive();
    }
    dassdp_note(model, state, sample);
    dassdp_infer(model, state, sample, &result);
    uint32_t crc = dassdp_crc32(0, dassdp_logits(model, state), 4u * n_classes);
    int status = dassdp_learn(model, state, receive(), DASSDP_OWN_LOSS, &result);
    send(result.class_idx | (uint32_t)result.loss_q8 << 16);
    send((uint32_t)status);
    send(crc);
    send(dassdp_digest_learned(model, state, 0));
}

int main(void)
{
    dassdp_port_init();
    dassdp_init(&first_model, &first_state);
    dassdp_init(&second_model, &second_state);
    dassdp_port_put('R');
    for (;;) {
        turn(&first_model, &first_state, FIRST_X_BYTES, FIRST_N_CLASSES);
        turn(&second_model, &second_state, SECOND_X_BYTES, SECOND_N_CLASSES);
    }
}
