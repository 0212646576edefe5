/* One training step of a dense 64-96-64-10 network by AIfES: SGD on one sample, float32. */
#include <stdint.h>
#include <string.h>

#include "aifes_config.h"
#include "aifes_basic.h"

static uint16_t in_shape[2] = {1, 64};
static uint16_t out_shape[2] = {1, 10};
static ailayer_input_f32_t input = AILAYER_INPUT_F32_A(2, in_shape);
static ailayer_dense_f32_t dense[3] = {AILAYER_DENSE_F32_A(96), AILAYER_DENSE_F32_A(64),
                                       AILAYER_DENSE_F32_A(10)};
static ailayer_relu_f32_t relu[2] = {AILAYER_RELU_F32_A(), AILAYER_RELU_F32_A()};
static ailayer_softmax_f32_t softmax = AILAYER_SOFTMAX_F32_A();
static ailoss_crossentropy_f32_t loss;
static aiopti_sgd_f32_t sgd = AIOPTI_SGD_F32(0.05f);
static aiopti_t *optimizer;
static aimodel_t model;

/* Builds the model on float weights, layer by layer weights, then biases. Returns the bytes of
   memory that training needs beside them, 0 where one of both sizes does not suffice. */
uint32_t peer_prepare(float *weights, uint32_t weight_bytes, void *memory, uint32_t bytes)
{
    ailayer_t *last = ailayer_input_f32_default(&input);
    model.input_layer = last;
    for (int i = 0; i < 3; i++) {
        last = ailayer_dense_f32_default(&dense[i], last);
        last = i < 2 ? ailayer_relu_f32_default(&relu[i], last)
                     : ailayer_softmax_f32_default(&softmax, last);
    }
    model.output_layer = last;
    model.loss = ailoss_crossentropy_f32_default(&loss, last);
    aialgo_compile_model(&model);
    optimizer = aiopti_sgd_f32_default(&sgd);
    uint32_t needed = aialgo_sizeof_training_memory(&model, optimizer);
    if (aialgo_sizeof_parameter_memory(&model) != weight_bytes || needed > bytes) {
        return 0u;
    }
    aialgo_distribute_parameter_memory(&model, weights, weight_bytes);
    aialgo_schedule_training_memory(&model, optimizer, memory, needed);
    aialgo_init_model_for_training(&model, optimizer);
    return needed;
}

uint32_t peer_lesson(float *x, float *target)
{
    aitensor_t in = AITENSOR_2D_F32(in_shape, x);
    aitensor_t out = AITENSOR_2D_F32(out_shape, target);
    return aialgo_train_model(&model, &in, &out, optimizer, 1u);
}
