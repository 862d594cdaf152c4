/* SPDX-License-Identifier: MIT
 * Convolutions of wide maps into few channels, and gradients of convolutions with respect to a picture. The lanes are
 * pixels: outputs that lie a stride apart see the same taps, at inputs that follow each other. A row of the input is
 * split into a plane a channel and added to all rows of the output that it reaches; then it is not needed any more. */
#include "backends/native/planes.h"
#include "backends/native/pack.h"
#include "backends/native/taps.h"

#include <string.h>

/* Planes that the first-level cache holds beside sums and weights; planes and sums that scratch memory may hold. */
enum { PLANES_BYTES = 36 << 10, MOST_BYTES = 1 << 20 };

enum { MOST_PHASES = 8 };

/* What splitting a pixel of an input block and finishing an output cost, in products. */
enum { EXTRA_COST = 4 };

/* --- geometry --- */

/* How planes and sums lie in scratch memory. */
typedef struct geometry {
    xai__axis rows, cols;    /* those of a gradient */
    int64_t n_kept;          /* rows of sums: one row of the input reaches no more */
    int64_t phase, row;      /* floats of one phase, and of all, in a row of sums */
    int64_t before, behind;  /* vectors that taps read beside those of the output */
    int64_t plane, n_planes; /* floats from one to the next; how many are split at a time */
} geometry;

static int64_t round_up(int64_t n)
{
    return (n + XAI__BLOCK - 1) / XAI__BLOCK * XAI__BLOCK;
}

/* a / b rounded down, b > 0. */
static int64_t divide_down(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static int64_t reach_of(const xai__axis *axis)
{
    return ((int64_t)axis->kernel - 1) * axis->dilation;
}

/* A convolution of stride 1 is the gradient of another whose taps come in reverse. */
static void turn_axis(xai__axis *axis)
{
    axis->pad = (int32_t)(reach_of(axis) - axis->pad);
}

/* Outputs of a phase. */
static int64_t n_columns(const xai__axis *axis)
{
    return ((int64_t)axis->out + axis->stride - 1) / axis->stride;
}

static geometry geometry_of(const xai__op_desc *desc)
{
    int64_t n_vectors, most, n_shares;
    geometry g;

    xai__axes_of(&g.rows, &g.cols, desc);
    if (desc->op == XAI__CONV) {
        turn_axis(&g.rows);
        turn_axis(&g.cols);
    }
    g.n_kept = reach_of(&g.rows) + 1;
    g.phase = round_up(n_columns(&g.cols));
    g.row = g.phase * g.cols.stride;
    g.before = xai__larger(-divide_down(g.cols.pad - reach_of(&g.cols), g.cols.stride), 0);
    g.behind = xai__larger(divide_down(g.cols.stride - 1 + g.cols.pad, g.cols.stride), 0);
    n_vectors = g.before + g.phase / XAI__BLOCK + g.behind;
    g.plane = (n_vectors | 1) * XAI__BLOCK; /* an even number of cache lines would use some sets of the cache only */
    most = xai__larger(PLANES_BYTES / (g.plane * (int64_t)sizeof(float)) / XAI__BLOCK * XAI__BLOCK, XAI__BLOCK);
    n_shares = (desc->in_c + most - 1) / most;
    g.n_planes = round_up((desc->in_c + n_shares - 1) / n_shares);
    return g;
}

static int64_t sums_size(const geometry *g, const xai__op_desc *desc)
{
    return g->n_kept * desc->out_c * g->row;
}

/* Against lanes of inputs, in products for a pixel of an input block: those save a third of the products' time, if
 * vectors are full, and the sum over each output's lanes, and cost that of splitting the pixel. Measured. */
static bool pays(const xai__op_desc *desc, const geometry *g)
{
    enum { SPLIT = 30, SUM = 20 };
    const float n_products = (float)desc->out_c * (float)desc->kernel_h * (float)desc->kernel_w;
    const float n_outputs = (float)desc->stride_h * (float)desc->stride_w;
    const float fullness = (float)n_columns(&g->cols) / (float)g->phase;

    return n_products * (1.54f - 1 / fullness) + SUM * n_outputs / (float)xai__blocks_of(desc->in_c) > SPLIT;
}

static bool takes(const xai__op_desc *desc, const xai__level *level)
{
    const bool is_back = desc->op == XAI__CONV_DATA ||
                         (desc->op == XAI__CONV && desc->stride_h == 1 && desc->stride_w == 1);
    geometry g;

    (void)level;
    if (!is_back || desc->groups != 1 || desc->out_c > XAI__FEW || desc->in_c < XAI__BLOCK ||
        desc->stride_w > MOST_PHASES || desc->out_layout != XAI__PLAIN)
        return false;
    g = geometry_of(desc);
    return (g.n_planes * g.plane + sums_size(&g, desc)) * (int64_t)sizeof(float) <= MOST_BYTES && pays(desc, &g);
}

/* --- weights --- */

/* Of one output; raw weights are [out_c][in_c] taps, those of a gradient [in_c][out_c]. */
static const float *raw_taps(const float *raw, const xai__op_desc *desc, int64_t o, int64_t i)
{
    const int64_t n_taps = (int64_t)desc->kernel_h * desc->kernel_w;

    return raw + n_taps * (desc->op == XAI__CONV ? o * desc->in_c + i : i * desc->out_c + o);
}

/* Taps of a row lie phase by phase, as outputs see them: `step` is from one to the next of a phase. */
static int64_t place_of(const xai__axis *cols, int64_t step, int64_t tap)
{
    int64_t place = tap / step;

    for (int64_t phase = 0; phase < tap % step; phase++)
        place += (cols->kernel - phase + step - 1) / step;
    return place;
}

/* [kh][in_c][kw][out_c], the taps of a convolution in reverse; a part a block of inputs. */
static void pack(void *out, const float *raw, const xai__op_desc *desc, size_t part)
{
    const geometry g = geometry_of(desc);
    const int64_t step = xai__taps_of_phase(&g.cols, 0).step, first = (int64_t)part * XAI__BLOCK;
    const int64_t end = xai__smaller(first + XAI__BLOCK, desc->in_c), n_out = desc->out_c;

    for (int64_t y = 0; y < desc->kernel_h; y++)
        for (int64_t i = first; i < end; i++)
            for (int64_t o = 0; o < n_out; o++) {
                const float *from = raw_taps(raw, desc, o, i);
                float *to = (float *)out + (y * desc->in_c + i) * desc->kernel_w * n_out + o;

                for (int64_t x = 0; x < desc->kernel_w; x++) {
                    const int64_t tap = y * desc->kernel_w + x, last = (int64_t)desc->kernel_h * desc->kernel_w - 1;

                    to[place_of(&g.cols, step, x) * n_out] = from[desc->op == XAI__CONV ? last - tap : tap];
                }
            }
}

/* The order tells rows of taps from columns, and knows phases, which other formats need not. */
static uint64_t format_of(const xai__op_desc *desc, const geometry *g)
{
    const int32_t key[] = { desc->kernel_h, xai__taps_of_phase(&g->cols, 0).step };
    const enum xai__pack_order order = desc->op == XAI__CONV ? XAI__PACK_PLANES : XAI__PACK_PLANES_DATA;

    return xai__pack_format_with(order, desc, key, sizeof key);
}

/* What reaches over from a task to the next is split twice: so tasks are some times as high, but at least two. */
static void widen_tasks(xai__native_kernel *kernel, int32_t reach)
{
    const int32_t n_rows = kernel->desc.out_h, least = 4 * reach;
    int32_t n_tasks = n_rows / (least > 0 ? least : 1);

    if (kernel->task_rows >= least || kernel->task_rows >= n_rows)
        return;
    n_tasks = n_tasks < 2 ? 2 : n_tasks - n_tasks % 2;
    kernel->task_rows = (n_rows + n_tasks - 1) / n_tasks;
}

static void plan(xai__native_kernel *kernel)
{
    const xai__op_desc *desc = &kernel->desc;
    const geometry g = geometry_of(desc);
    const int64_t n_taps = (int64_t)desc->kernel_h * desc->kernel_w, n_in = xai__blocks_of(desc->in_c);
    const int64_t n_phases = (int64_t)desc->stride_h * desc->stride_w;
    xai__packing *packing = &kernel->base.packing;
    size_t size = (size_t)(g.n_planes * g.plane + sums_size(&g, desc) + desc->out_c * g.row + g.phase * XAI__BLOCK);

    kernel->base.out_layout = XAI__PLAIN;
    kernel->base.task_scratch = (size + XAI__STRIDED_TILE + XAI__STRIDED_SCRATCH) * sizeof(float);
    kernel->op = XAI__LANE_COPY; /* what carries sums through the epilogue */
    packing->format = format_of(desc, &g);
    packing->n_parts = (size_t)n_in;
    packing->bytes = (size_t)(desc->in_c * n_taps * desc->out_c) * sizeof(float);
    packing->pack = pack;
    xai__grid_plan(kernel, n_in * (desc->out_c * n_taps + EXTRA_COST) / n_phases + EXTRA_COST, 0);
    widen_tasks(kernel, (int32_t)g.n_kept - 1);
}

/* --- running --- */

typedef struct job {
    const xai__native_kernel *kernel;
    const xai__args *args;
    size_t image;
    xai__window window;
    geometry g;
    xai__planes phases[MOST_PHASES]; /* what all calls have in common; weights and sums are those of row 0 */
    int32_t opened;                  /* rows before this have been set to zero */
    int32_t column, n_vectors;       /* of each phase: the first, and of how many vectors the columns are */
    float *planes, *sums;            /* vector 0 of the first plane; [n_kept][out_c][phase][vector][16] */
    float *line;                     /* a row of the output, [out_c][row] from the first column on */
    float *spare, *scratch;
    const float *ahead; /* what to ask for next, of block 0; the block */
    int64_t block_ahead;
} job;

static float *sums_at(const job *j, int32_t y)
{
    return j->sums + (int64_t)(y % j->g.n_kept) * j->kernel->desc.out_c * j->g.row;
}

/* What the window reads of n channels of an input row. */
static void split_row(job *j, int32_t row, int64_t channel, int64_t n)
{
    const xai__view *in = &j->args->in;
    const float *from = in->data + (int64_t)j->image * in->image + channel / XAI__BLOCK * in->block + row * in->row;

    j->ahead = from + in->row;
    j->block_ahead = 0;
    j->kernel->level->planes->split(&(xai__split){
        .in = from,
        .in_block = in->block,
        .width = j->g.cols.in,
        .column = j->column,
        .n_vectors = j->n_vectors,
        .before = (int32_t)j->g.before,
        .behind = (int32_t)j->g.behind,
        .n_blocks = xai__blocks_of((int32_t)n),
        .out = j->planes,
        .plane = j->g.plane,
        .spare = j->spare,
    });
}

/* Where the share of a call in asking for the next row begins: n pixels of one block, and then of the next block. */
static const float *next_ahead(job *j, int64_t n_blocks, int64_t n)
{
    const xai__view *in = &j->args->in;
    const float *ahead = j->ahead + j->block_ahead * in->block;

    if (++j->block_ahead >= n_blocks) {
        j->block_ahead = 0;
        j->ahead += n * in->pixel;
    }
    return ahead;
}

/* Adds n channels of an input row, split, to row y of the output, which sees it under the row `tap` of taps. */
static void add_planes(job *j, int32_t y, int32_t tap, int64_t channel, int64_t n)
{
    const xai__op_desc *desc = &j->kernel->desc;
    const int64_t row_of_sums = sums_at(j, y) - j->sums;
    const int64_t row_of_weights = ((int64_t)tap * desc->in_c + channel) * desc->kernel_w * desc->out_c;

    for (int32_t phase = 0; phase < j->g.cols.stride; phase++) {
        xai__planes planes = j->phases[phase];

        if (planes.n_taps == 0)
            continue;
        planes.n_in = (int32_t)n;
        planes.weights += row_of_weights;
        planes.sums += row_of_sums;
        planes.ahead = next_ahead(j, xai__blocks_of((int32_t)n), n * planes.n_ahead);
        j->kernel->level->planes->add[desc->out_c - 1](&planes);
    }
}

static void open_rows(job *j, int32_t y)
{
    for (; j->opened <= y; j->opened++)
        memset(sums_at(j, j->opened), 0, (size_t)(j->kernel->desc.out_c * j->g.row) * sizeof *j->sums);
}

/* Adds a row of the input to all rows of the window that see it. */
static void add_row(job *j, int32_t row)
{
    const xai__axis *rows = &j->g.rows;
    const int32_t n_in = j->kernel->desc.in_c;

    for (int64_t channel = 0; channel < n_in; channel += j->g.n_planes) {
        const int64_t n = xai__smaller(j->g.n_planes, n_in - channel);

        split_row(j, row, channel, n);
        for (int32_t tap = 0; tap < rows->kernel; tap++) {
            const int64_t y = (int64_t)row * rows->stride - rows->pad + (int64_t)tap * rows->dilation;

            if (y >= j->window.y0 && y < j->window.y1) {
                open_rows(j, (int32_t)y);
                add_planes(j, (int32_t)y, tap, channel, n);
            }
        }
    }
}

/* An output without the taps in the padding. */
static float sum_inside(const job *j, int32_t channel, int32_t y, int32_t x)
{
    const xai__op_desc *desc = &j->kernel->desc;
    const xai__view *in = &j->args->in;
    const xai__taps rows = xai__taps_back(&j->g.rows, y), cols = xai__taps_back(&j->g.cols, x);
    const float *weights = (const float *)j->args->packed + channel;
    const int64_t place = place_of(&j->g.cols, cols.step, cols.first);
    float sum = 0.0f;

    for (int64_t v = 0; v < rows.n; v++)
        for (int64_t i = 0; i < desc->in_c; i++)
            for (int64_t h = 0; h < cols.n; h++) {
                const float *pixel = in->data + (int64_t)j->image * in->image + i / XAI__BLOCK * in->block +
                                     (rows.in - v * rows.back) * in->row + (cols.in - h * cols.back) * in->pixel;
                const int64_t row = ((rows.first + v * rows.step) * desc->in_c + i) * desc->kernel_w;

                sum += pixel[i % XAI__BLOCK] * weights[(row + place + h) * desc->out_c];
            }
    return sum;
}

/* Zeros beside the map times weights that are not finite are NaN, where such taps are to be left out. */
static void mend_border(const job *j, int32_t y)
{
    const xai__axis *cols = &j->g.cols;
    const int64_t left = reach_of(cols) - cols->pad, right = ((int64_t)cols->in - 1) * cols->stride - cols->pad;
    const int64_t first = (int64_t)j->column * cols->stride;

    for (int32_t c = 0; c < j->kernel->desc.out_c; c++)
        for (int32_t x = j->window.x0; x < j->window.x1; x++) {
            float *sum = j->line + c * j->g.row + x - first;

            if (x >= left && x <= right)
                x = (int32_t)xai__smaller(right, j->window.x1 - 1);
            else if (*sum != *sum)
                *sum = sum_inside(j, c, y, x);
        }
}

/* Where there are no stages, as behind most pictures' gradients: a plain row a channel. */
static void copy_line(const job *j, const float *line, int32_t y)
{
    const xai__view *out = &j->args->out;
    const size_t n = (size_t)(j->window.x1 - j->window.x0);
    float *to = out->data + (int64_t)j->image * out->image + y * out->row + j->window.x0 * out->pixel;

    for (int32_t c = 0; c < j->kernel->desc.out_c; c++, to += out->block, line += j->g.row)
        memcpy(to, line, n * sizeof *to);
}

/* A finished row through the epilogue. */
static void finish_row(job *j, int32_t y)
{
    const xai__native_kernel *kernel = j->kernel;
    const int32_t n_out = kernel->desc.out_c;
    const float *sums = sums_at(j, y), *line = j->line + j->window.x0 - (int64_t)j->column * j->g.cols.stride;

    open_rows(j, y);
    for (int32_t c = 0; c < n_out; c++)
        kernel->level->planes->weave(j->line + c * j->g.row, sums + c * j->g.row, j->g.phase, j->g.cols.stride,
                                     j->n_vectors);
    mend_border(j, y);
    if (kernel->epilogue.n_stages == 0) {
        copy_line(j, line, y);
        return;
    }
    for (int32_t x = j->window.x0; x < j->window.x1; x += XAI__STRIDED_PIXELS, line += XAI__STRIDED_PIXELS) {
        const xai__spot spot = { j->image, 0, y, x, XAI__ACROSS };
        xai__run run = { .in = j->scratch, .in_pixel = XAI__BLOCK, .n_in = 1, .n_rows = 1, .n_cols = 1, .n_out = 1 };

        run.weights = run.in; /* there are none, but the pointer is moved along */
        run.n_pixels = (size_t)xai__smaller(XAI__STRIDED_PIXELS, j->window.x1 - x);
        xai__gather(j->scratch, line, 1, j->g.row, run.n_pixels, n_out);
        xai__run_strided(&run, kernel, j->args, &spot, n_out, j->scratch + XAI__STRIDED_TILE);
    }
}

static void set_phases(job *j)
{
    const xai__op_desc *desc = &j->kernel->desc;
    const int32_t n_calls = desc->kernel_h * desc->stride_w; /* that ask for pixels of the next row */

    for (int32_t phase = 0; phase < j->g.cols.stride; phase++) {
        const xai__taps taps = xai__taps_of_phase(&j->g.cols, phase);
        const int64_t place = place_of(&j->g.cols, taps.step, taps.first);

        j->phases[phase] = (xai__planes){
            .in = j->planes + (int64_t)taps.in * XAI__BLOCK,
            .in_channel = j->g.plane,
            .in_tap = -(int64_t)taps.back * XAI__BLOCK,
            .weights = (const float *)j->args->packed + place * desc->out_c,
            .w_channel = (int64_t)desc->kernel_w * desc->out_c,
            .n_taps = taps.n,
            .n_ahead = j->n_vectors / n_calls + 1,
            .sums = j->sums + phase * j->g.phase,
            .sums_channel = j->g.row,
            .n_vectors = j->n_vectors,
        };
    }
}

static void run_part(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch)
{
    const xai__window *w = &part->window;
    job j = { .kernel = kernel, .args = args, .image = part->image, .window = *w, .g = geometry_of(&kernel->desc) };
    const xai__axis *rows = &j.g.rows;
    const size_t n_sums = (size_t)kernel->desc.out_c * (size_t)j.g.row;
    int64_t next = xai__larger(0, -divide_down(reach_of(rows) - rows->pad - w->y0, rows->stride));

    j.column = w->x0 / j.g.cols.stride;
    j.n_vectors = xai__blocks_of((w->x1 - 1) / j.g.cols.stride + 1 - j.column);
    j.planes = scratch + j.g.before * XAI__BLOCK;
    j.sums = scratch + j.g.n_planes * j.g.plane;
    j.line = j.sums + sums_size(&j.g, &kernel->desc);
    j.spare = j.line + n_sums;
    j.scratch = j.spare + j.g.phase * XAI__BLOCK;
    j.opened = w->y0;
    set_phases(&j);
    for (int32_t y = w->y0; y < w->y1; y++) {
        const int64_t end = xai__smaller(divide_down((int64_t)y + rows->pad, rows->stride) + 1, rows->in);

        for (; next < end; next++)
            add_row(&j, (int32_t)next);
        finish_row(&j, y);
    }
}

const xai__method xai__method_conv_planes = { "conv-planes", takes, plan, run_part };
