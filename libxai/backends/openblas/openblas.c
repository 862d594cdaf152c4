/* SPDX-License-Identifier: MIT
 * The openblas backend. A convolution is a matrix product: its weights, a row an output channel, times a matrix with a
 * row a tap and a column an output pixel, which is gathered a strip of rows at a time. */
#include "backends/openblas/openblas.h"

#include <cblas.h>
#include <string.h>

#include "backends/openblas/epilogue.h"
#include "core/memory.h"

/* Bytes of a strip: what is gathered and what comes of it stay in the second-level cache or near it. */
enum { STRIP_BYTES = 2 << 20 };

typedef struct blas_kernel {
    xai__kernel base;
    xai__op_desc desc; /* stages are not kept */
    xai__blas_epilogue epilogue;
    int32_t n_in, n_out; /* channels of a group */
    int64_t depth;       /* products in a sum */
    int32_t strip_rows, n_strips;
    bool is_pointwise; /* 1 x 1 without stride or padding: the input is the matrix */
} blas_kernel;

/* Rows of one group of one image. */
typedef struct strip {
    size_t image;
    int32_t group, y0, y1;
} strip;

static bool available(uint64_t cpu_features)
{
    (void)cpu_features; /* OpenBLAS chooses by itself */
    return true;
}

/* --- planning --- */

/* A kernel that does not know windows is of no use in WINDOWED plans. */
static bool takes(const xai__op_desc *d)
{
    if (d->purpose == XAI__WINDOWED || d->in_c <= 0 || d->out_c <= 0 || d->out_h <= 0)
        return false;
    if (d->op == XAI__GEMM)
        return true;
    return d->op == XAI__CONV && d->in_h > 0 && d->in_w > 0 && d->out_w > 0 && d->kernel_h > 0 && d->kernel_w > 0 &&
           d->groups > 0 && d->in_c % (int32_t)d->groups == 0 && d->out_c % (int32_t)d->groups == 0;
}

static void plan_conv(blas_kernel *k)
{
    const xai__op_desc *d = &k->desc;
    size_t row;

    k->n_in = d->in_c / (int32_t)d->groups;
    k->n_out = d->out_c / (int32_t)d->groups;
    k->depth = (int64_t)k->n_in * d->kernel_h * d->kernel_w;
    k->is_pointwise = d->kernel_h == 1 && d->kernel_w == 1 && d->stride_h == 1 && d->stride_w == 1 && d->pad_top == 0 &&
                      d->pad_left == 0 && d->in_h == d->out_h && d->in_w == d->out_w;
    row = ((size_t)k->depth + (size_t)k->n_out) * (size_t)d->out_w * sizeof(float);
    k->strip_rows = row < STRIP_BYTES ? (int32_t)(STRIP_BYTES / row) : 1;
    k->strip_rows = k->strip_rows < d->out_h ? k->strip_rows : d->out_h;
    k->n_strips = (d->out_h + k->strip_rows - 1) / k->strip_rows;
    k->base.name = k->is_pointwise ? "openblas/conv-1x1" : "openblas/conv-im2col";
    k->base.task_scratch = row * (size_t)k->strip_rows;
}

static void plan_gemm(blas_kernel *k)
{
    k->depth = k->desc.in_c;
    k->n_out = k->desc.out_c;
    k->base.name = "openblas/gemm";
    k->base.task_scratch = (size_t)k->desc.out_h * (size_t)k->n_out * sizeof(float);
}

static xai_status plan(xai__kernel **out, void *state, xai_context *context, const xai__op_desc *desc)
{
    blas_kernel *k;

    (void)state;
    *out = NULL;
    if (!takes(desc))
        return XAI_E_UNSUPPORTED;
    k = xai__zalloc_array(context, 1, sizeof *k);
    if (k == NULL)
        return XAI_E_NO_MEMORY;
    k->base.backend = &xai__backend_openblas;
    k->base.in_layout = k->base.out_layout = XAI__PLAIN;
    k->desc = *desc;
    k->desc.stages = NULL;
    if (!xai__blas_epilogue_init(&k->epilogue, desc)) {
        xai__free(context, k);
        return XAI_E_UNSUPPORTED;
    }
    if (desc->op == XAI__GEMM)
        plan_gemm(k);
    else
        plan_conv(k);
    *out = &k->base;
    return XAI_OK;
}

static void free_kernel(xai__kernel *kernel, xai_context *context)
{
    xai__free(context, kernel);
}

/* --- convolutions --- */

/* One tap's inputs under a row of outputs; zeros in the padding. */
static void gather_row(float *out, const blas_kernel *k, const float *row, int32_t kernel_x)
{
    const xai__op_desc *d = &k->desc;
    int32_t at = kernel_x * d->dilation_w - d->pad_left;

    for (int32_t x = 0; x < d->out_w; x++, at += d->stride_w)
        out[x] = at >= 0 && at < d->in_w ? row[at] : 0.0f;
}

static void gather_tap(float *out, const blas_kernel *k, const xai__view *in, const float *channel, const strip *s,
                       int32_t tap)
{
    const xai__op_desc *d = &k->desc;

    for (int32_t y = s->y0; y < s->y1; y++, out += d->out_w) {
        int32_t at = y * d->stride_h - d->pad_top + tap / d->kernel_w * d->dilation_h;

        if (at < 0 || at >= d->in_h)
            memset(out, 0, (size_t)d->out_w * sizeof *out);
        else
            gather_row(out, k, channel + at * in->row, tap % d->kernel_w);
    }
}

/* Of a strip: a row a channel and tap, a column a pixel. */
static void gather(float *out, const blas_kernel *k, const xai__view *in, const float *first, const strip *s)
{
    const int32_t n_taps = k->desc.kernel_h * k->desc.kernel_w;
    const int64_t n_pixels = (int64_t)(s->y1 - s->y0) * k->desc.out_w;

    for (int32_t c = 0; c < k->n_in; c++)
        for (int32_t tap = 0; tap < n_taps; tap++, out += n_pixels)
            gather_tap(out, k, in, first + c * in->block, s, tap);
}

static void finish_strip(const blas_kernel *k, const xai__args *args, const strip *s, float *sums)
{
    for (int32_t c = 0; c < k->n_out; c++)
        for (int32_t y = s->y0; y < s->y1; y++, sums += k->desc.out_w) {
            xai__blas_line line = { s->image, (int64_t)s->group * k->n_out + c, y, k->desc.out_w };

            xai__blas_epilogue_run(&k->epilogue, args, &line, sums);
        }
}

static void run_strip(const blas_kernel *k, const xai__args *args, const strip *s, float *scratch)
{
    const xai__view *in = &args->in;
    const int64_t n_pixels = (int64_t)(s->y1 - s->y0) * k->desc.out_w;
    const float *first = in->data + (int64_t)s->image * in->image + (int64_t)s->group * k->n_in * in->block;
    const float *weights = (const float *)args->packed + (int64_t)s->group * k->n_out * k->depth;
    const float *matrix = scratch;
    float *sums = scratch + k->depth * n_pixels;
    int64_t matrix_row = n_pixels;

    if (k->is_pointwise && in->row == k->desc.in_w) { /* rows that follow each other without gaps */
        matrix = first + s->y0 * in->row;
        matrix_row = in->block;
    } else {
        gather(scratch, k, in, first, s);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, k->n_out, (blasint)n_pixels, (blasint)k->depth, 1.0f,
                weights, (blasint)k->depth, matrix, (blasint)matrix_row, 0.0f, sums, (blasint)n_pixels);
    finish_strip(k, args, s, sums);
}

/* --- matrix products --- */

/* Image by image, so that a batch gives the bits that its images give alone. */
static void run_gemm(const blas_kernel *k, const xai__args *args, size_t image, float *sums)
{
    const float *in = args->in.data + (int64_t)image * args->in.image;
    const blasint n_rows = k->desc.out_h, depth = (blasint)k->depth;

    if (n_rows == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, k->n_out, depth, 1.0f, args->packed, depth, in, 1, 0.0f, sums, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n_rows, k->n_out, depth, 1.0f, in, (blasint)args->in.row,
                    args->packed, depth, 0.0f, sums, k->n_out);
    for (int32_t y = 0; y < n_rows; y++) {
        xai__blas_line line = { image, 0, y, k->n_out };

        xai__blas_epilogue_run(&k->epilogue, args, &line, sums + (int64_t)y * k->n_out);
    }
}

/* --- tasks --- */

static size_t n_tasks(const xai__kernel *kernel, const xai__args *args)
{
    const blas_kernel *k = (const blas_kernel *)kernel;

    return k->desc.op == XAI__GEMM ? args->n_images : args->n_images * k->desc.groups * (size_t)k->n_strips;
}

static void task(const xai__kernel *kernel, const xai__args *args, size_t index, void *scratch)
{
    const blas_kernel *k = (const blas_kernel *)kernel;
    const size_t n_strips = (size_t)k->n_strips;
    strip s;

    if (k->desc.op == XAI__GEMM) {
        run_gemm(k, args, index, scratch);
        return;
    }
    s.image = index / n_strips / k->desc.groups;
    s.group = (int32_t)(index / n_strips % k->desc.groups);
    s.y0 = (int32_t)(index % n_strips) * k->strip_rows;
    s.y1 = s.y0 + k->strip_rows < k->desc.out_h ? s.y0 + k->strip_rows : k->desc.out_h;
    run_strip(k, args, &s, scratch);
}

const xai__backend xai__backend_openblas = {
    .name = "openblas",
    .available = available,
    .plan = plan,
    .n_tasks = n_tasks,
    .task = task,
    .free = free_kernel,
};
