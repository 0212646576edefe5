/* Two models by turns, as an application of a library would run them, in C11 and C++11: each sample comes as
 * floats with its label, is quantized here, classified and learned; what came of it is sent. */
#include <string.h>

#include "dassdp_learned.h"
#include "dassdp_port.h"
#include "first.h"
#include "second.h"

static first_state_t first_state;
static second_state_t second_state;
static float values[FIRST_N_VALUES > SECOND_N_VALUES ? FIRST_N_VALUES : SECOND_N_VALUES];
static int8_t x[FIRST_X_BYTES > SECOND_X_BYTES ? FIRST_X_BYTES : SECOND_X_BYTES];

static uint8_t receive(void)
{
    int byte = dassdp_port_get();
    while (byte < 0) {
        dassdp_port_wait();
        byte = dassdp_port_get();
    }
    return (uint8_t)byte;
}

static void receive_values(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        for (uint32_t shift = 0; shift < 32u; shift += 8u) {
            bits |= (uint32_t)receive() << shift;
        }
        memcpy(values + i, &bits, sizeof bits);
    }
}

static void send(uint32_t value)
{
    for (uint32_t shift = 0; shift < 32u; shift += 8u) {
        dassdp_port_put((uint8_t)(value >> shift));
    }
}

static void answer(const dassdp_model_t *model, void *state, int quantized, uint32_t n_classes)
{
    dassdp_result_t result;
    dassdp_note(model, state, x);
    dassdp_infer(model, state, x, &result);
    uint32_t crc = dassdp_crc32(0, dassdp_logits(model, state), 4u * n_classes);
    int status = dassdp_learn(model, state, receive(), DASSDP_OWN_LOSS, &result);
    send(result.class_idx | (uint32_t)result.loss_q8 << 16);
    send((uint32_t)(quantized | status));
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
        receive_values(FIRST_N_VALUES);
        answer(&first_model, &first_state, first_quantize(values, x), FIRST_N_CLASSES);
        receive_values(SECOND_N_VALUES);
        answer(&second_model, &second_state, second_quantize(values, x), SECOND_N_CLASSES);
    }
}
