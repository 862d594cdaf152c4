/* SPDX-License-Identifier: MIT
 * The native backend: which method computes a chain, and on which instruction set. */
#include "backends/native/native.h"

#include <stdio.h>

#include "backends/native/kernel.h"
#include "core/context.h"
#include "core/memory.h"

/* Asked in this order: the special before the general. */
static const xai__method *const methods[] = {
    &xai__method_conv_stem,      &xai__method_conv_planes, &xai__method_conv_few,     &xai__method_conv_winograd4,
    &xai__method_conv_winograd2, &xai__method_conv_direct, &xai__method_depthwise,    &xai__method_conv_data,
    &xai__method_gemm,           &xai__method_pool,        &xai__method_pool_data,    &xai__method_average_data,
    &xai__method_pad_channels,   &xai__method_map,         &xai__method_conv_weights, &xai__method_depthwise_weights,
};

static bool available(uint64_t cpu_features)
{
    return xai__level_find(NULL, cpu_features) != NULL;
}

static xai_status open_best(void **state, xai_context *context)
{
    *state = xai__native_level(NULL, context->cpu_features);
    return XAI_OK;
}

const char *xai__native_level_name(size_t index)
{
    const xai__level *level = xai__level_at(index);

    return level != NULL ? level->name : NULL;
}

void *xai__native_level(const char *name, uint64_t cpu_features)
{
    return (void *)xai__level_find(name, cpu_features);
}

static bool has_map(const xai__op_desc *d)
{
    return d->in_c > 0 && d->in_h > 0 && d->in_w > 0 && d->out_c > 0 && d->out_h > 0 && d->out_w > 0;
}

/* The graph is checked long before; this keeps a wrong desc from becoming a wild pointer. */
static bool has_window(const xai__op_desc *d)
{
    return d->kernel_h > 0 && d->kernel_w > 0 && d->stride_h > 0 && d->stride_w > 0 && d->dilation_h > 0 &&
           d->dilation_w > 0 && d->pad_top >= 0 && d->pad_left >= 0 && d->groups > 0 &&
           d->in_c % (int32_t)d->groups == 0 && d->out_c % (int32_t)d->groups == 0;
}

static bool is_sound(const xai__op_desc *desc)
{
    if (desc->op == XAI__GEMM)
        return desc->in_c > 0 && desc->out_c > 0 && desc->out_h > 0;
    return has_map(desc) && (desc->op == XAI__MAP || has_window(desc));
}

static const xai__method *find_method(const xai__op_desc *desc, const xai__level *level)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (methods[i]->takes(desc, level))
            return methods[i];
    return NULL;
}

static void set_up(xai__native_kernel *kernel, const xai__method *method, const xai__level *level,
                   const xai__op_desc *desc)
{
    kernel->base.backend = &xai__backend_native;
    kernel->base.name = kernel->name;
    kernel->base.in_layout = kernel->base.out_layout = XAI__BLOCKED;
    kernel->method = method;
    kernel->level = level;
    kernel->desc = *desc;
    kernel->desc.stages = NULL;
    kernel->n_blocks = xai__blocks_of(desc->out_c);
    xai__axes_of(&kernel->rows, &kernel->cols, desc);
    snprintf(kernel->name, sizeof kernel->name, "native/%s/%s", level->name, method->name);
    method->plan(kernel);
    kernel->base.takes_parts = desc->op == XAI__CONV && method->task == NULL;
    kernel->base.keeps_blocks = desc->op == XAI__CONV && xai__is_depthwise(desc);
}

static xai_status plan(xai__kernel **out, void *state, xai_context *context, const xai__op_desc *desc)
{
    const xai__method *method = is_sound(desc) ? find_method(desc, state) : NULL;
    xai__native_kernel *kernel;

    *out = NULL;
    if (method == NULL)
        return XAI_E_UNSUPPORTED;
    kernel = xai__zalloc_array(context, 1, sizeof *kernel);
    if (kernel == NULL)
        return XAI_E_NO_MEMORY;
    set_up(kernel, method, state, desc);
    if (!xai__epilogue_init(&kernel->epilogue, desc,
                            kernel->base.out_layout == XAI__BLOCKED && desc->out_c % XAI__BLOCK != 0)) {
        xai__free(context, kernel);
        return XAI_E_UNSUPPORTED;
    }
    *out = &kernel->base;
    return XAI_OK;
}

static xai__window reach(const xai__kernel *base, xai__window dirty)
{
    const xai__native_kernel *kernel = (const xai__native_kernel *)base;
    xai__window w = dirty;

    if (w.y0 >= w.y1 || w.x0 >= w.x1)
        return (xai__window){ 0 };
    if (kernel->desc.op == XAI__GEMM)
        return (xai__window){ 0, kernel->desc.out_h, 0, 1 };
    if (kernel->desc.op == XAI__CONV_WEIGHTS)
        return (xai__window){ 0, kernel->desc.kernel_h, 0, kernel->desc.kernel_w };
    if (kernel->desc.op == XAI__POOL_DATA)
        return (xai__window){ 0, kernel->desc.out_h, 0, kernel->desc.out_w };
    if (kernel->desc.op == XAI__CONV_DATA) {
        xai__axis_reach_back(&kernel->rows, &w.y0, &w.y1);
        xai__axis_reach_back(&kernel->cols, &w.x0, &w.x1);
        return w;
    }
    xai__axis_reach(&kernel->rows, kernel->method->tile, &w.y0, &w.y1);
    xai__axis_reach(&kernel->cols, kernel->method->tile, &w.x0, &w.x1);
    return w;
}

static size_t n_tasks(const xai__kernel *base, const xai__args *args)
{
    const xai__native_kernel *kernel = (const xai__native_kernel *)base;

    return kernel->method->n_tasks != NULL ? kernel->method->n_tasks(kernel, args) : xai__grid_n_tasks(kernel, args);
}

static void task(const xai__kernel *base, const xai__args *args, size_t index, void *scratch)
{
    const xai__native_kernel *kernel = (const xai__native_kernel *)base;

    if (kernel->method->task != NULL)
        kernel->method->task(kernel, args, index, scratch);
    else
        xai__grid_task(kernel, args, index, scratch);
}

static void part(const xai__kernel *base, const xai__args *args, const xai__part *part, void *scratch)
{
    const xai__native_kernel *kernel = (const xai__native_kernel *)base;

    kernel->method->part(kernel, args, part, scratch);
}

static xai__window needs(const xai__kernel *base, xai__window outputs)
{
    const xai__native_kernel *kernel = (const xai__native_kernel *)base;

    xai__axis_needs(&kernel->rows, &outputs.y0, &outputs.y1);
    xai__axis_needs(&kernel->cols, &outputs.x0, &outputs.x1);
    return outputs;
}

static void free_kernel(xai__kernel *kernel, xai_context *context)
{
    xai__free(context, kernel);
}

const xai__backend xai__backend_native = {
    .name = "native",
    .available = available,
    .open = open_best,
    .plan = plan,
    .reach = reach,
    .n_tasks = n_tasks,
    .task = task,
    .part = part,
    .needs = needs,
    .free = free_kernel,
};
