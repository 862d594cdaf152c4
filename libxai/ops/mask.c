/* SPDX-License-Identifier: MIT
 * Gradients of activations, one element at a time: masks over the output where the slope is 0 or 1, else the slope at
 * the input. At the kinks, and for NaN where there is no mask, as torch 2.15 has it. */
#include <math.h>

#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"

typedef bool (*passes_fn)(float v, float y, const xai__attributes *attributes);
typedef double (*slope_fn)(double x, const xai__attributes *attributes);

static bool passes_positive(float v, float y, const xai__attributes *a)
{
    return y > 0;
}

static bool passes_seed(float v, float y, const xai__attributes *a)
{
    return v > 0;
}

static bool passes_both(float v, float y, const xai__attributes *a)
{
    return y > 0 && v > 0;
}

static bool passes_inside(float v, float y, const xai__attributes *a)
{
    return a->low < y && y < a->high;
}

static const passes_fn rules[] = {
    [XAI__RULE_POSITIVE] = passes_positive,
    [XAI__RULE_SEED] = passes_seed,
    [XAI__RULE_BOTH] = passes_both,
    [XAI__RULE_INSIDE] = passes_inside,
};

static double slope_of_sigmoid(double x, const xai__attributes *a)
{
    double y = 1 / (1 + exp(-x));

    return y * (1 - y);
}

static double slope_of_silu(double x, const xai__attributes *a)
{
    double y = 1 / (1 + exp(-x));

    return y * (1 + x * (1 - y));
}

static double slope_of_hard_sigmoid(double x, const xai__attributes *a)
{
    double y = x * a->low + a->high;

    return y > 0 && y < 1 ? a->low : 0;
}

/* The limits belong to the left piece at -3 and to the right one at 3. */
static double slope_of_hard_swish(double x, const xai__attributes *a)
{
    if (x <= -3)
        return 0;
    return x < 3 ? x / 3 + 0.5 : 1;
}

/* Only these; the others are masks. */
static const slope_fn slopes[XAI__N_OPERATORS] = {
    [XAI__OP_SIGMOID] = slope_of_sigmoid,
    [XAI__OP_SILU] = slope_of_silu,
    [XAI__OP_HARD_SIGMOID] = slope_of_hard_sigmoid,
    [XAI__OP_HARD_SWISH] = slope_of_hard_swish,
};

static xai_status shape_pair(const xai__op_shapes *shapes)
{
    xai_status status = xai__shape_equal(shapes, 1);

    return status < 0 ? status : xai__shape_same(shapes);
}

static xai_status shape_mask(const xai__op_shapes *shapes)
{
    int32_t rule = shapes->attributes->axis;

    if (rule < 0 || rule >= (int32_t)(sizeof rules / sizeof *rules))
        return xai__fail(XAI_E_FORMAT, "rule %d is not known", rule);
    return shape_pair(shapes);
}

static xai_status shape_activation(const xai__op_shapes *shapes)
{
    int32_t op = shapes->attributes->axis;

    if (op < 0 || op >= XAI__N_OPERATORS || slopes[op] == NULL)
        return xai__fail(XAI_E_FORMAT, "operator %d is no smooth activation", op);
    return shape_pair(shapes);
}

/* Selects, never multiplies: an infinite dy where the mask is closed gives 0, not NaN. */
static void compute_mask(const xai__op_run *run)
{
    const passes_fn passes = rules[run->attributes->axis];
    const float *dy = run->inputs[0], *y = run->inputs[1];

    for (size_t i = 0; i < run->value->size; i++)
        run->out[i] = passes(dy[i], y[i], run->attributes) ? dy[i] : 0;
}

static void compute_activation(const xai__op_run *run)
{
    const slope_fn slope = slopes[run->attributes->axis];
    const float *dy = run->inputs[0], *x = run->inputs[1];

    for (size_t i = 0; i < run->value->size; i++)
        run->out[i] = (float)(dy[i] * slope(x[i], run->attributes));
}

const xai__op_row xai__op_mask = { "Mask", 2, 2, shape_mask, compute_mask, NULL };
const xai__op_row xai__op_activation_data = { "ActivationData", 2, 2, shape_activation, compute_activation, NULL };
