/* SPDX-License-Identifier: MIT
 * Cuts a part of the output into runs: pixels in a line that have the same taps. */
#include "backends/native/kernel.h"

/* n pixels from (rows->first, cols->first) on. */
static void sweep_run(const xai__sweep *s, const xai__part *part, const xai__span *rows, const xai__span *cols,
                      int32_t n, enum xai__direction direction)
{
    const xai__axis *ya = &s->kernel->rows, *xa = &s->kernel->cols;
    const xai__spot spot = { part->image, part->first_block, rows->first, cols->first, direction };
    /* The first tap that is inside, of the first pixel; all others follow at fixed distances. */
    int64_t in_y = (int64_t)rows->first * ya->stride - ya->pad + (int64_t)rows->tap * ya->dilation;
    int64_t in_x = (int64_t)cols->first * xa->stride - xa->pad + (int64_t)cols->tap * xa->dilation;
    xai__run run = s->run;

    run.in = s->in;
    run.n_pixels = (size_t)n;
    run.n_out = part->end_block - part->first_block;
    run.n_rows = rows->tap_end - rows->tap;
    run.n_cols = cols->tap_end - cols->tap;
    run.in_row = s->in_row * ya->dilation;
    run.in_col = s->in_pixel * xa->dilation;
    run.in_pixel = direction == XAI__DOWN ? s->in_row * ya->stride : s->in_pixel * xa->stride;
    run.divisor = s->kernel->desc.count_pad ? (float)ya->kernel * (float)xa->kernel
                                            : (float)run.n_rows * (float)run.n_cols;
    if (run.n_rows > 0 && run.n_cols > 0) {
        run.in += (in_y - s->in_first_row) * s->in_row + in_x * s->in_pixel;
        run.weights += rows->tap * run.w_row + cols->tap * run.w_col;
    }
    /* A plain picture: the columns of the kernel are summed as lanes are, in the same order. */
    if (s->kernel->cols_are_lanes) {
        run.n_lanes = run.n_last_lanes = run.n_cols;
        run.n_cols = 1;
    }
    xai__run_place(&run, s->kernel, s->args, &spot);
    xai__run_compute(&run, s->kernel);
}

static bool is_dense(const xai__view *view, int32_t width)
{
    return view->data == NULL || view->row == width * view->pixel;
}

/* Pixels that see only themselves, rows without gaps: the map is one long row. */
static bool is_one_row(const xai__sweep *s, const xai__span *cols)
{
    const xai__axis *ya = &s->kernel->rows, *xa = &s->kernel->cols;
    const xai__native_epilogue *e = &s->kernel->epilogue;
    const xai__args *args = s->args;
    bool dense = ya->kernel == 1 && xa->kernel == 1 && ya->stride == 1 && xa->stride == 1 && xa->in == xa->out &&
                 cols->first == 0 && cols->end == xa->out && s->in_row == xa->in * s->in_pixel &&
                 is_dense(&args->out, xa->out);

    for (uint32_t i = 0; dense && i < e->n_stages; i++)
        dense = e->stages[i].operand < 0 || is_dense(&args->operands[e->stages[i].operand], xa->out);
    for (uint32_t i = 0; dense && args->stores != NULL && i <= e->n_stages; i++)
        dense = is_dense(&args->stores[i], xa->out);
    return dense;
}

/* Along the longer side, so that tiles are full: the border columns of a padded map are runs that go down. */
static void sweep_spans(const xai__sweep *s, const xai__part *part, xai__span rows, xai__span cols)
{
    int32_t height = rows.end - rows.first, width = cols.end - cols.first;

    if (is_one_row(s, &cols)) {
        sweep_run(s, part, &rows, &cols, height * width, XAI__ACROSS);
    } else if (width < height && width < XAI__TILE_PIXELS / 2) {
        for (; cols.first < cols.end; cols.first++)
            sweep_run(s, part, &rows, &cols, height, XAI__DOWN);
    } else {
        for (; rows.first < rows.end; rows.first++)
            sweep_run(s, part, &rows, &cols, width, XAI__ACROSS);
    }
}

/* Nine regions for an ordinary padded convolution: what differs between them is which taps exist, so no border needs
 * a copy of its input with zeros around it. */
void xai__sweep_part(const xai__sweep *sweep, const xai__part *part)
{
    const xai__window *w = &part->window;
    xai__span rows, cols;

    for (int32_t y = w->y0; y < w->y1; y = rows.end) {
        rows = xai__axis_span(&sweep->kernel->rows, y, w->y1);
        for (int32_t x = w->x0; x < w->x1; x = cols.end) {
            cols = xai__axis_span(&sweep->kernel->cols, x, w->x1);
            sweep_spans(sweep, part, rows, cols);
        }
    }
}
