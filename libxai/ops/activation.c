/* SPDX-License-Identifier: MIT
 * Activations: one element at a time. */
#include <math.h>

#include "ops/op.h"
#include "ops/shape.h"
#include "ops/vjp.h"

typedef float (*activation_fn)(float x, const xai__attributes *attributes);

static float relu(float x, const xai__attributes *a)
{
    return x > 0 ? x : (x == x ? 0 : x); /* NaN stays NaN */
}

/* Comparisons that are false for NaN, so that it passes, as in torch. */
static float clip(float x, const xai__attributes *a)
{
    x = x < a->low ? a->low : x;
    return x > a->high ? a->high : x;
}

/* In double and rounded once; exp() overflows to infinity for very negative x, which gives the right 0. */
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

/* x * min(max(x / 6 + 1/2, 0), 1): Howard et al., MobileNetV3, 2019. */
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

/* A slope of 0 or 1 is told by the output alone: the input need not be kept for the way back. */
static xai_status vjp_relu(const xai__op_vjp *vjp)
{
    static const enum xai__mask_rule rules[XAI__N_RELU_RULES] = { [XAI__RELU_PLAIN] = XAI__RULE_POSITIVE,
                                                                  [XAI__RELU_GUIDED] = XAI__RULE_BOTH,
                                                                  [XAI__RELU_DECONVNET] = XAI__RULE_SEED };

    return xai__vjp_set(vjp, 0, xai__vjp_mask(vjp, vjp->gradient, rules[vjp->rule]));
}

/* The rules for any other activation: guided stops what is negative behind its own slope, deconvnet instead of it. */
static xai_status apply_rule(const xai__op_vjp *vjp, int32_t (*slope)(const xai__op_vjp *vjp))
{
    int32_t value = vjp->rule == XAI__RELU_DECONVNET ? vjp->gradient : slope(vjp);

    return xai__vjp_set(vjp, 0, vjp->rule == XAI__RELU_PLAIN ? value : xai__vjp_mask(vjp, value, XAI__RULE_SEED));
}

static int32_t add_inside(const xai__op_vjp *vjp)
{
    return xai__vjp_mask(vjp, vjp->gradient, XAI__RULE_INSIDE);
}

static xai_status vjp_clip(const xai__op_vjp *vjp)
{
    return apply_rule(vjp, add_inside);
}

/* These bend everywhere, so their slope needs the input. */
static int32_t add_slope(const xai__op_vjp *vjp)
{
    const int32_t inputs[2] = { vjp->gradient, xai__vjp_input(vjp, 0) };
    xai__attributes attributes = xai__vjp_attributes(vjp);

    attributes.axis = (int32_t)vjp->graph->nodes[vjp->node].op;
    return xai__op_add(vjp->graph, XAI__OP_ACTIVATION_DATA, &attributes, inputs, 2);
}

static xai_status vjp_smooth(const xai__op_vjp *vjp)
{
    return apply_rule(vjp, add_slope);
}

#define ACTIVATION(function, name, vjp)                                                                                \
    static void compute_##function(const xai__op_run *run)                                                             \
    {                                                                                                                  \
        compute(run, function);                                                                                        \
    }                                                                                                                  \
    const xai__op_row xai__op_##function = { name, 1, 1, xai__shape_same, compute_##function, vjp }

ACTIVATION(relu, "Relu", vjp_relu);
ACTIVATION(clip, "Clip", vjp_clip);
ACTIVATION(sigmoid, "Sigmoid", vjp_smooth);
ACTIVATION(silu, "Silu", vjp_smooth);
ACTIVATION(hard_sigmoid, "HardSigmoid", vjp_smooth);
ACTIVATION(hard_swish, "HardSwish", vjp_smooth);
