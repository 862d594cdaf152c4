/* SPDX-License-Identifier: MIT
 * Activations: one element at a time. */
#include <math.h>

#include "ops/op.h"
#include "ops/shape.h"

typedef float (*activation_fn)(float x, const xai__attributes *attributes);

static float relu(float x, const xai__attributes *a)
{
    return x > 0 ? x : (x == x ? 0 : x); /* NaN stays NaN */
}

static float clip(float x, const xai__attributes *a)
{
    x = x < a->low ? a->low : x;
    return x > a->high ? a->high : x;
}

static float sigmoid(float x, const xai__attributes *a)
{
    return (float)(1.0 / (1.0 + exp(-(double)x)));
}

static float silu(float x, const xai__attributes *a)
{
    return (float)(x / (1.0 + exp(-(double)x)));
}

static float hard_sigmoid(float x, const xai__attributes *a)
{
    float y = (float)((double)x * a->low + a->high);

    y = y < 0 ? 0 : y;
    return y > 1 ? 1 : y;
}

static float hard_swish(float x, const xai__attributes *a)
{
    const xai__attributes sixth = { .low = 1.0f / 6.0f, .high = 0.5f };

    return x * hard_sigmoid(x, &sixth);
}

static void compute(const xai__op_run *run, activation_fn function)
{
    for (size_t i = 0; i < run->value->size; i++)
        run->out[i] = function(run->inputs[0][i], run->attributes);
}

#define ACTIVATION(function, name)                                                                                     \
    static void compute_##function(const xai__op_run *run)                                                             \
    {                                                                                                                  \
        compute(run, function);                                                                                        \
    }                                                                                                                  \
    const xai__op_row xai__op_##function = { name, 1, 1, xai__shape_same, compute_##function, NULL }

ACTIVATION(relu, "Relu");
ACTIVATION(clip, "Clip");
ACTIVATION(sigmoid, "Sigmoid");
ACTIVATION(silu, "Silu");
ACTIVATION(hard_sigmoid, "HardSigmoid");
ACTIVATION(hard_swish, "HardSwish");
