/* SPDX-License-Identifier: MIT
 * The gradient of a depthwise convolution with respect to its weights: dw[c][ky][kx], the sum over the outputs (y, x)
 * of dy[c][y][x] times the input under the tap. A task is a channel of an image. Lanes are neighbouring outputs, so
 * inputs are copied apart into those a stride apart, which follow each other then, and rows of both end in zeros. */
#include "backends/native/kernel.h"

#include <string.h>

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    (void)level;
    return desc->op == XAI__CONV_WEIGHTS && desc->n_stages == 0 && xai__is_depthwise(desc);
}

/* Outputs of a row, in whole blocks of lanes. */
static int64_t row_length(const xai__op_desc *desc)
{
    return (int64_t)xai__blocks_of(desc->in_w) * XAI__BLOCK;
}

/* Inputs a stride apart that a row of taps reads. */
static int64_t phase_length(const xai__op_desc *desc)
{
    return row_length(desc) + (int64_t)(desc->kernel_w - 1) * desc->dilation_w / desc->stride_w;
}

/* The correlation writes whole groups of sums. */
static size_t n_sums(const xai__op_desc *desc)
{
    return ((size_t)desc->kernel_w + XAI__FEW - 1) / XAI__FEW * XAI__FEW;
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    const size_t dy = (size_t)desc->in_h * (size_t)row_length(desc),
                 x = (size_t)desc->stride_w * (size_t)desc->out_h * (size_t)phase_length(desc);

    kernel->base.in_layout = kernel->base.out_layout = XAI__PLAIN;
    kernel->base.task_scratch = (size_t)desc->kernel_w * sizeof(int64_t) + (n_sums(desc) + dy + x) * sizeof(float);
}

static size_t n_tasks(const xai__native_kernel *kernel, const xai__args *args)
{
    return args->n_images * (size_t)kernel->desc.in_c;
}

static void copy_gradient(float *to, const float *dy, const xai__view *view, const xai__op_desc *desc)
{
    const int64_t length = row_length(desc);

    memset(to, 0, (size_t)(desc->in_h * length) * sizeof *to);
    for (int64_t y = 0; y < desc->in_h; y++)
        memcpy(to + y * length, dy + y * view->row, (size_t)desc->in_w * sizeof *to);
}

/* [phase][row][phase_length]: padded column p is number p / stride of phase p % stride. Columns that no tap reads have
 * no place. x is PLAIN and dense. */
static void copy_input(float *to, const float *x, const xai__op_desc *desc)
{
    const int64_t length = phase_length(desc), phase = desc->out_h * length;

    memset(to, 0, (size_t)(desc->stride_w * phase) * sizeof *to);
    for (int64_t p = 0; p < desc->stride_w; p++, to += phase) {
        const int64_t before = desc->pad_left - p,
                      first = before > 0 ? (before + desc->stride_w - 1) / desc->stride_w : 0,
                      behind = (desc->out_w + before + desc->stride_w - 1) / desc->stride_w;

        for (int64_t y = 0; y < desc->out_h; y++)
            for (int64_t i = first; i < behind && i < length; i++)
                to[y * length + i] = x[y * desc->out_w + i * desc->stride_w - before];
    }
}

static void task(const xai__native_kernel *kernel, const xai__args *args, size_t index, float *scratch)
{
    const xai__op_desc *desc = &kernel->desc;
    const int64_t image = (int64_t)(index / (size_t)desc->in_c), c = (int64_t)(index % (size_t)desc->in_c),
                  phase = desc->out_h * phase_length(desc), n_taps = (int64_t)desc->kernel_h * desc->kernel_w;
    const xai__view *x = &args->operands[0];
    int64_t *shifts = (int64_t *)(void *)scratch;
    float *sums = (float *)(shifts + desc->kernel_w), *dy = sums + n_sums(desc),
          *inputs = dy + desc->in_h * row_length(desc), *out = args->out.data + image * args->out.image + c * n_taps;

    copy_gradient(dy, args->in.data + image * args->in.image + c * args->in.block, &args->in, desc);
    copy_input(inputs, x->data + image * x->image + c * desc->out_h * desc->out_w, desc);
    for (int64_t kx = 0; kx < desc->kernel_w; kx++)
        shifts[kx] = kx * desc->dilation_w % desc->stride_w * phase + kx * desc->dilation_w / desc->stride_w;
    for (int32_t ky = 0; ky < desc->kernel_h; ky++, out += desc->kernel_w) {
        int32_t end, first = xai__rows_under(&end, desc, ky);
        const int64_t row = (int64_t)first * desc->stride_h - desc->pad_top + (int64_t)ky * desc->dilation_h;

        kernel->level->correlations->correlate_rows(
            &(xai__correlation){ .dy = dy + first * row_length(desc),
                                 .dy_row = row_length(desc),
                                 .x = inputs + (end > first ? row * phase_length(desc) : 0),
                                 .x_row = desc->stride_h * phase_length(desc),
                                 .shifts = shifts,
                                 .n_shifts = desc->kernel_w,
                                 .n_rows = end - first,
                                 .n_columns = (int32_t)row_length(desc),
                                 .sums = sums });
        memcpy(out, sums, (size_t)desc->kernel_w * sizeof *out);
    }
}

const xai__method xai__method_depthwise_weights = { "depthwise-weights", takes, plan, .n_tasks = n_tasks,
                                                    .task = task };
