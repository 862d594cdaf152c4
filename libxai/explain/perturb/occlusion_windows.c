/* SPDX-License-Identifier: MIT
 * Occlusion: windows covered and scored, drops spread over pixels. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/perturb/occlusion.h"

/* --- where windows lie --- */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The left edge is cut as well: profile kazuto's windows start a stride late, so that the last of a row sticks out, or,
 * where strides are larger than windows, lies outside and covers nothing. */
xai__window xai__window_at(const xai__window_grid *grid, uint64_t index)
{
    int64_t top = (int64_t)(index / (uint64_t)grid->columns) * grid->stride_height,
            left = (int64_t)(index % (uint64_t)grid->columns) * grid->stride_width + grid->shift;

    return (xai__window){ .top = top,
                          .left = smaller(left, grid->width),
                          .bottom = smaller(top + grid->window_height, grid->height),
                          .right = smaller(left + grid->window_width, grid->width) };
}

/* Windows along one side: those that fit, and behind them a cut one if that covers what is left. */
static int64_t count_windows(int64_t size, int64_t window, int64_t stride, bool has_cut)
{
    return (size - window + (has_cut ? stride - 1 : 0)) / stride + 1;
}

/* Gaps are refused where a map is made of means: a pixel that no window covers has none. */
static xai_status check_window(const xai__occlusion *o, const char *side, int64_t size, int64_t window, int64_t stride)
{
    if (window > size)
        return xai__fail(XAI_E_INVALID, "a window's %s of %lld is larger than the image's, %lld", side,
                         (long long)window, (long long)size);
    if (o->profile->has_cut_windows && stride > window)
        return xai__fail(XAI_E_INVALID, "a stride of %lld leaves gaps between windows whose %s is %lld",
                         (long long)stride, side, (long long)window);
    return XAI_OK;
}

xai_status xai__occlusion_place(xai__occlusion *o)
{
    const xai_occlusion_options *options = &o->options;
    bool has_cut = o->profile->has_cut_windows;
    xai__window_grid *g = &o->grid;
    xai_status status;

    *g = (xai__window_grid){ .height = o->image->shape[2],
                             .width = o->image->shape[3],
                             .window_height = options->window_height,
                             .window_width = options->window_width,
                             .stride_height = options->stride_height,
                             .stride_width = options->stride_width,
                             .shift = o->profile->starts_late ? options->stride_width : 0 };
    status = check_window(o, "height", g->height, g->window_height, g->stride_height);
    if (status == XAI_OK)
        status = check_window(o, "width", g->width, g->window_width, g->stride_width);
    if (status < 0)
        return status;
    g->rows = count_windows(g->height, g->window_height, g->stride_height, has_cut);
    g->columns = count_windows(g->width, g->window_width, g->stride_width, has_cut);
    o->n_windows = (uint64_t)g->rows * (uint64_t)g->columns;
    return XAI_OK;
}

/* --- scoring --- */

static void cover(void *user, uint64_t index, float *image, void *note)
{
    const xai__occlusion *o = user;
    xai__window w = xai__window_at(&o->grid, xai__occlusion_window(o, index));
    size_t n_columns = (size_t)(w.right - w.left) * sizeof(float);

    (void)note;
    memcpy(image, o->image->data, o->image->size * sizeof(float));
    for (int64_t c = 0; c < o->image->shape[1]; c++)
        for (int64_t y = w.top; y < w.bottom; y++) {
            int64_t at = (c * o->grid.height + y) * o->grid.width + w.left;

            memcpy(image + at, o->baseline->data + at, n_columns);
        }
}

static xai_status keep_scores(void *user, uint64_t index, const double *scores, const void *note)
{
    xai__occlusion *o = user;

    (void)note;
    memcpy(o->scores + index * o->scorer.targets.n, scores, o->scorer.targets.n * sizeof *scores);
    return XAI_OK;
}

/* Those that were chosen and not run yet. */
static xai_status run_listed(xai__occlusion *o)
{
    uint64_t first = o->n_done;
    xai_status status;

    if (o->regions != NULL)
        return xai__occlusion_run_regions(o);
    status = xai__perturb_run(&o->n_done, &o->scorer,
                              &(xai__perturbation){ .first = first,
                                                    .count = o->n_listed,
                                                    .total = o->n_wanted,
                                                    .make = cover,
                                                    .take = keep_scores,
                                                    .user = o,
                                                    .state = o->state,
                                                    .run = &o->run });
    o->work += (double)(o->n_done - first);
    return status;
}

/* Scores are kept by window, not added up: from coarse to fine looks back at all of them. */
static xai_status prepare(xai__occlusion *o)
{
    size_t size;
    xai_status status = xai__occlusion_plan(o);

    if (status < 0)
        return status;
    if (!xai__mul_size(&size, (size_t)o->n_wanted, o->scorer.targets.n))
        return xai__fail_memory();
    o->scores = xai__alloc_array(o->scorer.context, size, sizeof *o->scores);
    if (o->scores == NULL)
        return XAI_E_NO_MEMORY;
    return o->scorer.session != NULL && o->scorer.is_windowed ? xai__occlusion_open_regions(o) : XAI_OK;
}

/* Without a share the first list is all there is; with one, what was seen decides what is listed next. */
xai_status xai__occlusion_run(xai__occlusion *o)
{
    xai_status status = prepare(o);

    while (status == XAI_OK && o->n_done < o->n_listed) {
        status = run_listed(o);
        if (status == XAI_OK)
            xai__occlusion_list_more(o);
    }
    return status;
}

/* --- maps --- */

/* Adds a number to a window of a field of differences, (height + 1) x (width + 1): its running sums along both sides
 * are the field, so that a window costs four additions whatever its size. */
static void add_window(double *field, int64_t width, const xai__window *w, double number)
{
    field[w->top * (width + 1) + w->left] += number;
    field[w->top * (width + 1) + w->right] -= number;
    field[w->bottom * (width + 1) + w->left] -= number;
    field[w->bottom * (width + 1) + w->right] += number;
}

static void add_up(double *field, int64_t height, int64_t width)
{
    for (int64_t y = 0; y <= height; y++)
        for (int64_t x = 1; x <= width; x++)
            field[y * (width + 1) + x] += field[y * (width + 1) + x - 1];
    for (int64_t i = width + 1; i < (height + 1) * (width + 1); i++)
        field[i] += field[i - (width + 1)];
}

/* The running sums round where the numbers do not come out even, far below single precision. */
static xai_status spread(xai_tensor *map, const xai__occlusion *o, const double *drops)
{
    int64_t height = o->grid.height, width = o->grid.width;
    size_t n = (size_t)((height + 1) * (width + 1));
    xai_context *context = o->scorer.context;
    double *sums = xai__zalloc_array(context, n, 2 * sizeof *sums), *counts;

    if (sums == NULL)
        return XAI_E_NO_MEMORY;
    counts = sums + n;
    for (uint64_t i = 0; i < o->n_windows; i++) {
        xai__window w = xai__window_at(&o->grid, i);

        if (isnan(drops[i]))
            continue;
        add_window(sums, width, &w, drops[i]);
        add_window(counts, width, &w, 1);
    }
    add_up(sums, height, width);
    add_up(counts, height, width);
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            int64_t at = y * (width + 1) + x;
            double divisor = o->profile->map == XAI__OCCLUSION_MEAN ? counts[at] : 1;

            map->data[y * width + x] = (float)(counts[at] > 0 ? sums[at] / divisor : 0);
        }
    xai__free(context, sums);
    return XAI_OK;
}

/* A drop for each window of the grid; NaN for those that neither were run nor lie between some that were. */
static xai_status list_drops(double **out, const xai__occlusion *o, size_t target)
{
    double *drops = xai__alloc_array(o->scorer.context, (size_t)o->n_windows, sizeof *drops);

    *out = drops;
    if (drops == NULL)
        return XAI_E_NO_MEMORY;
    for (uint64_t i = 0; i < o->n_windows; i++)
        drops[i] = NAN;
    for (uint64_t i = 0; i < o->n_done; i++)
        drops[xai__occlusion_window(o, i)] = o->scorer.plain_scores[target] -
                                             o->scores[i * o->scorer.targets.n + target];
    if (o->order != NULL && o->n_done >= o->n_first)
        xai__occlusion_fill(drops, o);
    return XAI_OK;
}

/* On the grid, kazuto's sign: what the score gains by covering. 0 - d rather than -d, so that no drop is not -0. */
xai_status xai__occlusion_map(xai_tensor **out, const xai__occlusion *o, size_t target)
{
    bool is_grid = o->profile->map == XAI__OCCLUSION_WINDOW;
    const int64_t shape[2] = { is_grid ? o->grid.rows : o->grid.height, is_grid ? o->grid.columns : o->grid.width };
    double *drops = NULL;
    xai_status status = xai__tensor_create(out, o->scorer.context, shape, 2);

    if (status == XAI_OK)
        status = list_drops(&drops, o, target);
    if (status == XAI_OK && !is_grid)
        status = spread(*out, o, drops);
    for (uint64_t i = 0; i < o->n_windows && is_grid && status == XAI_OK; i++)
        (*out)->data[i] = isnan(drops[i]) ? 0 : (float)(0 - drops[i]);
    xai__free(o->scorer.context, drops);
    return status;
}
