/* SPDX-License-Identifier: MIT
 * The gradient of a maximum over windows. A row of dx is summed up in scratch memory, from all windows that it lies in;
 * so no two tasks write the same pixel, and the order of a pixel's sum is that of its windows. Where a line of windows
 * has its maxima is found once and kept in scratch memory, too, for all rows of dx that the line lies over. */
#include "backends/native/kernel.h"

#include <string.h>

/* Numbers of taps are floats. */
enum { MAX_TAPS = 1 << 20 };

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    return desc->op == XAI__POOL_DATA && desc->pool == XAI__POOL_MAX && desc->in_c == desc->out_c &&
           (int64_t)desc->kernel_h * desc->kernel_w <= MAX_TAPS;
}

/* Lines of windows that lie over one row of dx. */
static int32_t lines_over(const xai__op_desc *desc)
{
    int64_t reach = ((int64_t)desc->kernel_h - 1) * desc->dilation_h;
    int64_t lines = reach / desc->stride_h + 1;

    return lines < desc->in_h ? (int32_t)lines : desc->in_h;
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    int64_t a_window = 2 * (int64_t)desc->kernel_h * desc->kernel_w + 4 * desc->kernel_w;
    int64_t windows = 1 + desc->kernel_h / ((int64_t)desc->stride_h * desc->stride_w);
    size_t blocks = (size_t)desc->out_w + (size_t)lines_over(desc) * (size_t)desc->in_w;

    kernel->op = XAI__LANE_COPY;
    kernel->base.task_scratch = blocks * XAI__BLOCK * sizeof(float);
    xai__grid_plan(kernel, a_window * windows + 6, 0);
}

/* That of the pool, from its input to its output. */
static xai__axis forward_axis(const xai__axis *axis)
{
    xai__axis forward = *axis;

    forward.in = axis->out;
    forward.out = axis->in;
    return forward;
}

/* A part of one block of one image. */
typedef struct lines {
    const xai__native_kernel *kernel;
    const xai__args *args;
    const float *x, *dy;
    xai__axis rows, cols;       /* of the pool */
    int32_t left, right;        /* windows of a line that the part's columns lie under */
    int32_t n_kept, next_found; /* line i is kept as number i % n_kept; the lines before next_found have been */
    float *row, *at;
} lines;

static float *kept(const lines *l, int32_t line)
{
    return l->at + (int64_t)(line % l->n_kept) * l->cols.out * XAI__BLOCK;
}

/* Windows of a line with the same taps inside the map. */
typedef struct stretch {
    int32_t first, end;
    int32_t tap, n_taps;
    int64_t column; /* under the first tap inside, of the first window */
} stretch;

/* The one that begins at window first; windows all of whose taps are outside are left out. */
static stretch stretch_at(const lines *l, int32_t first)
{
    stretch s = { .end = first };

    do {
        xai__span span = xai__axis_span(&l->cols, s.end, l->right);

        s = (stretch){ span.first, span.end, span.tap, span.tap_end - span.tap, 0 };
    } while (s.n_taps == 0 && s.end < l->right);
    s.column = (int64_t)s.first * l->cols.stride - l->cols.pad + (int64_t)s.tap * l->cols.dilation;
    return s;
}

/* Where the windows of a line have their maxima. */
static void find_line(const lines *l, int32_t line)
{
    const xai__view *x = &l->args->operands[0];
    const xai__span rows = xai__axis_span(&l->rows, line, line + 1);
    const int64_t y = (int64_t)line * l->rows.stride - l->rows.pad + (int64_t)rows.tap * l->rows.dilation;
    stretch s;

    for (int32_t first = l->left; first < l->right; first = s.end) {
        s = stretch_at(l, first);
        if (s.n_taps == 0)
            break;
        l->kernel->level->peaks->find(&(xai__peaks){ .x = l->x + y * x->row + s.column * x->pixel,
                                                     .x_row = x->row * l->rows.dilation,
                                                     .x_col = x->pixel * l->cols.dilation,
                                                     .x_window = x->pixel * l->cols.stride,
                                                     .at = kept(l, line) + (int64_t)s.first * XAI__BLOCK,
                                                     .tap = rows.tap * l->cols.kernel + s.tap,
                                                     .tap_row = l->cols.kernel,
                                                     .n_rows = rows.tap_end - rows.tap,
                                                     .n_cols = s.n_taps,
                                                     .n_windows = s.end - s.first });
    }
}

/* Adds what the windows of a line send to the row of dx that lies under their row of taps `tap`. */
static void send_line(const lines *l, int32_t line, int32_t tap)
{
    const xai__view *dy = &l->args->in;
    stretch s;

    for (int32_t first = l->left; first < l->right; first = s.end) {
        s = stretch_at(l, first);
        if (s.n_taps == 0)
            break;
        l->kernel->level->peaks->send(&(xai__peaks_sent){ .at = kept(l, line) + (int64_t)s.first * XAI__BLOCK,
                                                          .dy = l->dy + line * dy->row + s.first * dy->pixel,
                                                          .dy_window = dy->pixel,
                                                          .row = l->row + s.column * XAI__BLOCK,
                                                          .row_col = (int64_t)XAI__BLOCK * l->cols.dilation,
                                                          .row_window = (int64_t)XAI__BLOCK * l->cols.stride,
                                                          .tap = tap * l->cols.kernel + s.tap,
                                                          .n_cols = s.n_taps,
                                                          .n_windows = s.end - s.first });
    }
}

/* Sums up row y of dx. Rows come one after another. */
static void sum_row(lines *l, int32_t y)
{
    int32_t first = y, end = y + 1;

    memset(l->row, 0, (size_t)l->cols.in * XAI__BLOCK * sizeof *l->row);
    xai__axis_reach(&l->rows, 1, &first, &end);
    if (l->next_found < first)
        l->next_found = first;
    for (; l->next_found < end; l->next_found++)
        find_line(l, l->next_found);
    for (int32_t line = first; line < end; line++) {
        int64_t from = (int64_t)y + l->rows.pad - (int64_t)line * l->rows.stride;

        if (from % l->rows.dilation == 0)
            send_line(l, line, (int32_t)(from / l->rows.dilation));
    }
}

/* The row through the epilogue. */
static void finish_row(const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot, int32_t end,
                       const float *scratch)
{
    xai__run run = { .in = scratch + (int64_t)spot->x * XAI__BLOCK,
                     .in_pixel = XAI__BLOCK,
                     .weights = scratch, /* there are none, but the pointer is moved along */
                     .n_in = 1,
                     .n_rows = 1,
                     .n_cols = 1,
                     .n_pixels = (size_t)(end - spot->x),
                     .n_out = 1 };

    xai__run_place(&run, kernel, args, spot);
    xai__run_compute(&run, kernel);
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__window *w = &part->window;
    lines l = { .kernel = kernel,
                .args = args,
                .rows = forward_axis(&kernel->rows),
                .cols = forward_axis(&kernel->cols),
                .left = w->x0,
                .right = w->x1,
                .n_kept = lines_over(&kernel->desc),
                .row = scratch,
                .at = scratch + (int64_t)kernel->desc.out_w * XAI__BLOCK };

    xai__axis_reach(&l.cols, 1, &l.left, &l.right);
    for (int32_t block = part->first_block; block < part->end_block; block++) {
        l.x = args->operands[0].data + (int64_t)part->image * args->operands[0].image + block * args->operands[0].block;
        l.dy = args->in.data + (int64_t)part->image * args->in.image + block * args->in.block;
        l.next_found = 0;
        for (int32_t y = w->y0; y < w->y1; y++) {
            const xai__spot spot = { part->image, block, y, w->x0, XAI__ACROSS };

            sum_row(&l, y);
            finish_row(kernel, args, &spot, w->x1, scratch);
        }
    }
}

const xai__method xai__method_pool_data = { "pool-data", takes, plan, run_part };
