/* SPDX-License-Identifier: MIT
 * The gradient of a maximum over windows: window after window adds to the pixel that was its maximum, so a task has a
 * block of channels for itself. */
#include "backends/native/kernel.h"

#include <string.h>

/* Stages would have to wait until every window has added its share; they follow as a map. */
static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    (void)level;
    return desc->op == XAI__POOL_DATA && desc->pool == XAI__POOL_MAX && desc->in_c == desc->out_c &&
           desc->n_stages == 0 && desc->purpose != XAI__WINDOWED;
}

static void plan(xai__native_kernel *kernel)
{
    kernel->task_blocks = 1;
    kernel->task_rows = kernel->desc.out_h;
}

static void clear(const xai__native_kernel *kernel, float *out, const xai__view *view)
{
    for (int32_t y = 0; y < kernel->desc.out_h; y++)
        memset(out + y * view->row, 0, (size_t)kernel->desc.out_w * XAI__BLOCK * sizeof(float));
}

/* Taps of output o that lie inside the map: n of them from *first on, an input each. */
static int32_t taps_inside(const xai__axis *axis, int32_t o, int32_t *first)
{
    int32_t n = 0;

    for (int32_t k = 0; k < axis->kernel; k++) {
        int64_t at = (int64_t)o * axis->stride - axis->pad + (int64_t)k * axis->dilation;

        if (at < 0 || at >= axis->out)
            continue;
        if (n++ == 0)
            *first = (int32_t)at;
    }
    return n;
}

/* in and out of the axes are those of the gradient: of dy, and of dx and x. */
static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__axis *rows = &kernel->rows, *cols = &kernel->cols;
    const xai__view *in = &args->in, *out = &args->out, *beside = &args->operands[0];
    const int64_t image = (int64_t)part->image, block = part->first_block;
    const float *dy = in->data + image * in->image + block * in->block;
    const float *x = beside->data + image * beside->image + block * beside->block;
    float *dx = out->data + image * out->image + block * out->block;
    int32_t top = 0, left = 0;
    xai__maxima window = { .x_row = beside->row * rows->dilation,
                           .x_col = beside->pixel * cols->dilation,
                           .dx_row = out->row * rows->dilation,
                           .dx_col = out->pixel * cols->dilation };

    (void)scratch;
    clear(kernel, dx, out);
    for (int32_t oy = 0; oy < rows->in; oy++) {
        window.n_rows = taps_inside(rows, oy, &top);
        for (int32_t ox = 0; ox < cols->in; ox++) {
            window.n_cols = taps_inside(cols, ox, &left);
            window.dy = dy + oy * in->row + ox * in->pixel;
            window.x = x + top * beside->row + left * beside->pixel;
            window.dx = dx + top * out->row + left * out->pixel;
            kernel->level->add_to_maximum(&window);
        }
    }
}

const xai__method xai__method_pool_data = { "pool-data", takes, plan, run_part };
