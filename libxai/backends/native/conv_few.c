/* SPDX-License-Identifier: MIT
 * Convolutions into few channels, and gradients of convolutions with respect to a picture. Blocks of output channels
 * would be almost empty, so the lanes are those of the input, and pixels are summed up across them. */
#include "backends/native/pack.h"
#include "backends/native/taps.h"

#include <string.h>

/* What adding up lanes costs an output, in products. */
enum { SUM_COST = 6 };

/* Of less than a block of inputs, blocks of outputs are no emptier than lanes would be here. */
static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return (desc->op == XAI__CONV || desc->op == XAI__CONV_DATA) && desc->groups == 1 && desc->out_c <= XAI__FEW &&
           desc->in_c >= XAI__BLOCK;
}

/* --- weights --- */

/* Of one output, at one tap; raw weights are [out_c][in_c] taps, those of a gradient [in_c][out_c]. */
static int64_t raw_index(const xai__op_desc *desc, int64_t o, int64_t i)
{
    return desc->op == XAI__CONV ? o * desc->in_c + i : i * desc->out_c + o;
}

/* [in_c/16][kh][kw][out_c][16], a part a block; lanes beyond in_c are zero. */
static void pack(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    const int64_t n_taps = (int64_t)desc->kernel_h * desc->kernel_w, tap_size = (int64_t)desc->out_c * XAI__BLOCK;
    float *packed = (float *)out + (int64_t)part * n_taps * tap_size;

    memset(packed, 0, (size_t)(n_taps * tap_size) * sizeof *packed);
    for (int64_t lane = 0; lane < XAI__BLOCK; lane++) {
        const int64_t i = (int64_t)part * XAI__BLOCK + lane;

        for (int64_t o = 0; o < desc->out_c && i < desc->in_c; o++) {
            const float *from = raw + raw_index(desc, o, i) * n_taps;

            for (int64_t tap = 0; tap < n_taps; tap++)
                packed[tap * tap_size + o * XAI__BLOCK + lane] = from[tap];
        }
    }
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    const bool is_back = desc->op == XAI__CONV_DATA;
    const int64_t n_taps = (int64_t)desc->kernel_h * desc->kernel_w, n_in = xai__blocks_of(desc->in_c);
    const int64_t n_phases = is_back ? (int64_t)desc->stride_h * desc->stride_w : 1;
    xai__packing *packing = &kernel->base.packing;

    kernel->base.out_layout = desc->out_layout;
    kernel->base.task_scratch = ((size_t)desc->out_w * XAI__BLOCK + XAI__STRIDED_SCRATCH) * sizeof(float);
    kernel->op = XAI__LANE_COPY; /* what carries sums through the epilogue */
    packing->format = xai__pack_format(is_back ? XAI__PACK_FEW_DATA : XAI__PACK_FEW, desc);
    packing->n_parts = (size_t)n_in;
    packing->bytes = (size_t)(n_in * n_taps * desc->out_c) * XAI__BLOCK * sizeof(float);
    packing->pack = pack;
    xai__grid_plan(kernel, desc->out_c * (n_in * n_taps / n_phases + SUM_COST), 0);
}

/* --- running --- */

/* A row of outputs under construction: sums lie at [x][16] in scratch memory. */
typedef struct row {
    const xai__native_kernel *kernel;
    xai__run run; /* the rows of taps are set */
    int32_t y;
    float *sums;
} row;

/* n outputs from x on, `step` apart. */
static void sum_line(const row *r, const xai__taps *cols, int32_t x, int32_t step, int32_t n, int64_t in_pixel)
{
    xai__run run = r->run;

    run.n_cols = cols->n;
    run.n_pixels = (size_t)n;
    run.in_col = -cols->back * run.in_pixel;
    run.in_pixel *= in_pixel;
    if (run.n_rows > 0 && cols->n > 0) {
        run.in += cols->in * r->run.in_pixel;
        run.weights += cols->first * run.w_col;
    }
    run.w_col *= cols->step;
    run.out.data = r->sums + (int64_t)x * XAI__BLOCK;
    run.out.pixel = (int64_t)step * XAI__BLOCK;
    r->kernel->level->few->runs[r->kernel->desc.out_c - 1](&run);
}

/* A gradient's outputs that lie a stride apart see inputs that follow each other. */
static void sum_row_back(const row *r, const xai__window *window)
{
    const xai__axis *axis = &r->kernel->cols;

    for (int32_t phase = 0; phase < axis->stride; phase++)
        for (int32_t x = window->x0 + phase, n; x < window->x1; x += n * axis->stride) {
            xai__taps cols = xai__taps_back(axis, x);

            n = xai__taps_alike(axis, &cols, x, window->x1);
            sum_line(r, &cols, x, axis->stride, n, 1);
        }
}

/* A convolution's taps in the words of a gradient's: their inputs go on, not back. */
static xai__taps taps_of_span(const xai__axis *axis, const xai__span *span)
{
    int64_t in = (int64_t)span->first * axis->stride - axis->pad + (int64_t)span->tap * axis->dilation;

    return (xai__taps){ span->tap, 1, span->tap_end - span->tap, (int32_t)in, -axis->dilation, true };
}

static void sum_row(const row *r, const xai__window *window)
{
    const xai__axis *axis = &r->kernel->cols;
    xai__span span;

    for (int32_t x = window->x0; x < window->x1; x = span.end) {
        xai__taps cols;

        span = xai__axis_span(axis, x, window->x1);
        cols = taps_of_span(axis, &span);
        sum_line(r, &cols, x, 1, span.end - x, axis->stride);
    }
}

/* Where there are no stages, as behind most pictures' gradients: a plain row a channel. */
static void copy_row(const row *r, const xai__args *args, const xai__spot *spot, int32_t end)
{
    const xai__view *to = &args->out;
    float *out = to->data + (int64_t)spot->image * to->image + spot->y * to->row;

    for (int32_t c = 0; c < r->kernel->desc.out_c; c++, out += to->block)
        for (int32_t x = spot->x; x < end; x++)
            out[x * to->pixel] = r->sums[x * XAI__BLOCK + c];
}

/* The row through the epilogue. */
static void finish_row(const row *r, const xai__args *args, xai__spot spot, int32_t end, float *scratch)
{
    const bool plain = r->kernel->base.out_layout == XAI__PLAIN;
    const int32_t most = plain ? XAI__STRIDED_PIXELS : end - spot.x;

    if (plain && r->kernel->epilogue.n_stages == 0) {
        copy_row(r, args, &spot, end);
        return;
    }

    for (; spot.x < end; spot.x += most) {
        const float *sums = r->sums + (int64_t)spot.x * XAI__BLOCK;
        xai__run run = { .in = sums, .in_pixel = XAI__BLOCK, .n_in = 1, .n_rows = 1, .n_cols = 1, .n_out = 1 };

        run.weights = sums; /* there are none, but the pointer is moved along */
        run.n_pixels = (size_t)(end - spot.x < most ? end - spot.x : most);
        if (plain) {
            xai__run_strided(&run, r->kernel, args, &spot, r->kernel->desc.out_c, scratch);
        } else {
            xai__run_place(&run, r->kernel, args, &spot);
            xai__run_compute(&run, r->kernel);
        }
    }
}

/* What the taps of a row of outputs are. */
static void set_rows(row *r, const xai__args *args, int32_t y)
{
    const xai__axis *axis = &r->kernel->rows;
    const xai__span span = xai__axis_span(axis, y, y + 1);
    const xai__taps rows = r->kernel->desc.op == XAI__CONV_DATA ? xai__taps_back(axis, y) : taps_of_span(axis, &span);

    r->y = y;
    r->run.n_rows = rows.n;
    r->run.in_row = -rows.back * args->in.row;
    if (rows.n > 0) {
        r->run.in += rows.in * args->in.row;
        r->run.weights += rows.first * r->run.w_row;
    }
    r->run.w_row *= rows.step;
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__op_desc *desc = &kernel->desc;
    const int64_t w_col = (int64_t)desc->out_c * XAI__BLOCK, w_row = desc->kernel_w * w_col;
    const xai__run run = { .in = args->in.data + (int64_t)part->image * args->in.image,
                           .in_pixel = args->in.pixel,
                           .in_block = args->in.block,
                           .weights = args->packed,
                           .w_col = w_col,
                           .w_row = w_row,
                           .w_block = desc->kernel_h * w_row,
                           .n_in = xai__blocks_of(desc->in_c) };

    /* Lanes beyond the four that are summed stay zero. */
    memset(scratch, 0, (size_t)desc->out_w * XAI__BLOCK * sizeof *scratch);
    for (int32_t y = part->window.y0; y < part->window.y1; y++) {
        const xai__spot spot = { part->image, 0, y, part->window.x0, XAI__ACROSS };
        row r = { kernel, run, y, scratch };

        set_rows(&r, args, y);
        if (desc->op == XAI__CONV_DATA)
            sum_row_back(&r, &part->window);
        else
            sum_row(&r, &part->window);
        finish_row(&r, args, spot, part->window.x1, scratch + (int64_t)desc->out_w * XAI__BLOCK);
    }
}

const xai__method xai__method_conv_few = { "conv-few", takes, plan, run_part };
