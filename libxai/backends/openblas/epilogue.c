/* SPDX-License-Identifier: MIT
 * The stages behind a product, in plain loops over lines of values. */
#include "backends/openblas/epilogue.h"

#include <string.h>

/* A stage on its way along a line. Steps are 0 where one value holds for the whole line. */
typedef struct walk {
    const xai__stage *stage;
    const float *operand, *scale, *shift;
    int64_t operand_step, parameter_step;
    float *values;
    int64_t n;
} walk;

static float clip(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

/* Two roundings where the native kernels that have an FMA make one: results agree within the bounds, not in bits. */
static void affine(const walk *w)
{
    for (int64_t i = 0; i < w->n; i++) {
        float v = w->values[i];

        if (w->scale != NULL)
            v *= w->scale[i * w->parameter_step];
        if (w->shift != NULL)
            v += w->shift[i * w->parameter_step];
        w->values[i] = v;
    }
}

static void add(const walk *w)
{
    for (int64_t i = 0; i < w->n; i++)
        w->values[i] += w->operand[i * w->operand_step];
}

static void multiply(const walk *w)
{
    for (int64_t i = 0; i < w->n; i++)
        w->values[i] *= w->operand[i * w->operand_step];
}

/* Written so that NaN passes, as backend.h has it. */
static void activate(const walk *w)
{
    const float low = w->stage->low, high = w->stage->high;

    for (int64_t i = 0; i < w->n; i++) {
        float v = w->values[i];

        if (w->stage->function == XAI__RELU)
            v = v < 0.0f ? 0.0f : v;
        else if (w->stage->function == XAI__CLIP)
            v = clip(v, low, high);
        else if (w->stage->function == XAI__HARD_SIGMOID)
            v = clip(v * low + high, 0.0f, 1.0f);
        else
            v *= clip(v * (1.0f / 6.0f) + 0.5f, 0.0f, 1.0f);
        w->values[i] = v;
    }
}

static bool passes(const xai__stage *stage, float v, float y)
{
    switch (stage->function) {
    case XAI__MASK_POSITIVE:
        return y > 0.0f;
    case XAI__MASK_SEED:
        return v > 0.0f;
    case XAI__MASK_BOTH:
        return y > 0.0f && v > 0.0f;
    default:
        return y > stage->low && y < stage->high;
    }
}

static void mask(const walk *w)
{
    for (int64_t i = 0; i < w->n; i++) {
        float y = w->operand != NULL ? w->operand[i * w->operand_step] : 0.0f;

        w->values[i] = passes(w->stage, w->values[i], y) ? w->values[i] : 0.0f;
    }
}

static void (*const stages[])(const walk *walk) = {
    [XAI__AFFINE] = affine, [XAI__ADD] = add, [XAI__MUL] = multiply, [XAI__ACT] = activate, [XAI__MASK] = mask,
};

/* Exponentials are left to the operators' references. */
static bool has_stage(const xai__stage *stage)
{
    if (stage->kind == XAI__ACT)
        return stage->function != XAI__SIGMOID && stage->function != XAI__SILU;
    return stage->kind < sizeof stages / sizeof *stages;
}

bool xai__blas_epilogue_init(xai__blas_epilogue *epilogue, const xai__op_desc *desc)
{
    if (desc->n_stages > XAI__MAX_STAGES)
        return false;
    epilogue->n_stages = desc->n_stages;
    epilogue->is_gemm = desc->op == XAI__GEMM;
    for (uint32_t i = 0; i < desc->n_stages; i++) {
        if (!has_stage(&desc->stages[i]))
            return false;
        epilogue->stages[i] = desc->stages[i];
    }
    return true;
}

/* Where a line begins in a view. Columns of a matrix are contiguous: its block stride means nothing. */
static float *start_of(const xai__view *view, const xai__blas_line *line)
{
    return view->data + (int64_t)line->image * view->image + line->channel * view->block + line->row * view->row;
}

static void store(const xai__view *view, const xai__blas_line *line, const float *values)
{
    memcpy(start_of(view, line), values, (size_t)line->n * sizeof *values);
}

void xai__blas_epilogue_run(const xai__blas_epilogue *epilogue, const xai__args *args, const xai__blas_line *line,
                            float *values)
{
    walk w = { .parameter_step = epilogue->is_gemm ? 1 : 0, .values = values, .n = line->n };

    for (uint32_t i = 0; i < epilogue->n_stages; i++) {
        const xai__stage *stage = &epilogue->stages[i];
        const xai__view *operand = stage->operand >= 0 ? &args->operands[stage->operand] : NULL;

        if (args->stores != NULL && args->stores[i].data != NULL)
            store(&args->stores[i], line, values);
        w.stage = stage;
        w.scale = stage->scale != NULL ? stage->scale + line->channel : NULL;
        w.shift = stage->shift != NULL ? stage->shift + line->channel : NULL;
        w.operand = operand != NULL ? start_of(operand, line) : NULL;
        w.operand_step = operand == NULL ? 0 : epilogue->is_gemm ? 1 : operand->pixel;
        stages[stage->kind](&w);
    }
    store(&args->out, line, values);
}
