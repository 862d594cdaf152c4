/* SPDX-License-Identifier: MIT
 * Occlusion from coarse to fine: a lattice of windows first, then more where the map is high or uneven; what lies
 * between them is interpolated.
 *
 * The windows run are windows of the full grid, of its size. Larger ones for the coarse pass, which cover their cell
 * without gaps, were tried: what a large window takes away is not what its small ones take away together, so that it
 * neither says well where to look closer nor fills in well what was not looked at. */
#include "explain/perturb/occlusion.h"

#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"

/* Windows that are chosen at a time, from what all before them showed. A constant of the method: maps depend on it. */
enum { WINDOWS_A_ROUND = 64 };

/* The first pass takes at most so many tenths of the windows; the others go where it shows that they are needed. On
 * photographs a dense lattice is worth more than a second look: half the windows for the first pass made worse maps. */
enum { FIRST_PASS_TENTHS = 9 };

/* --- cells --- */

/* The middle of a side, or its end where nothing lies between. */
static int64_t middle(int64_t from, int64_t to)
{
    return from + (to - from) / 2;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_whole(const xai__cell *cell)
{
    return cell->bottom - cell->top <= 1 && cell->right - cell->left <= 1;
}

/* Cells along a side of n windows: one where a side has only one window, which is both of its ends. */
static int64_t count_cells(int64_t n, int64_t step)
{
    return larger((n - 1 + step - 1) / step, 1);
}

static uint64_t count_lattice(const xai__window_grid *g, int64_t step)
{
    int64_t rows = g->rows == 1 ? 1 : count_cells(g->rows, step) + 1,
            columns = g->columns == 1 ? 1 : count_cells(g->columns, step) + 1;

    return (uint64_t)rows * (uint64_t)columns;
}

static xai__cell cell_at(const xai__window_grid *g, int64_t step, int64_t row, int64_t column)
{
    int64_t top = row * step, left = column * step;

    return (xai__cell){ .top = top,
                        .left = left,
                        .bottom = top + step < g->rows ? top + step : g->rows - 1,
                        .right = left + step < g->columns ? left + step : g->columns - 1,
                        .worth = NAN };
}

/* --- what is run --- */

static void add_window(xai__occlusion *o, int64_t row, int64_t column)
{
    uint64_t window = (uint64_t)(row * o->grid.columns + column);

    if (o->place[window] != 0 || o->n_listed == o->n_wanted)
        return;
    o->order[o->n_listed++] = window;
    o->place[window] = o->n_listed;
}

/* Corners of cells, each once, row by row. */
static void list_lattice(xai__occlusion *o)
{
    int64_t rows = count_cells(o->grid.rows, o->step), columns = count_cells(o->grid.columns, o->step);

    for (int64_t y = 0; y < rows; y++)
        for (int64_t x = 0; x < columns; x++)
            o->cells[o->n_cells++] = cell_at(&o->grid, o->step, y, x);
    for (size_t i = 0; i < o->n_cells; i++) {
        const xai__cell *cell = &o->cells[i];

        add_window(o, cell->top, cell->left);
        add_window(o, cell->top, cell->right);
        add_window(o, cell->bottom, cell->left);
        add_window(o, cell->bottom, cell->right);
    }
    o->n_first = o->n_listed;
}

/* A lattice is the densest that leaves enough windows for a closer look. */
static void choose_step(xai__occlusion *o)
{
    const xai__window_grid *g = &o->grid;

    o->step = 2;
    while (10 * count_lattice(g, o->step) > FIRST_PASS_TENTHS * o->n_wanted && o->step < larger(g->rows, g->columns))
        o->step *= 2;
    if (o->n_wanted < count_lattice(g, o->step))
        o->n_wanted = count_lattice(g, o->step);
}

/* In the order in which they lie, from which regions profit: those listed before first have a place up to that. */
static void sort_listed(xai__occlusion *o, uint64_t first)
{
    uint64_t at = first;

    for (uint64_t window = 0; at < o->n_listed; window++)
        if (o->place[window] > first) {
            o->order[at++] = window;
            o->place[window] = at;
        }
}

xai_status xai__occlusion_plan(xai__occlusion *o)
{
    xai_context *context = o->scorer.context;

    o->n_wanted = o->n_listed = o->n_windows;
    if (o->options.share > 0)
        o->n_wanted = (uint64_t)ceil((double)o->options.share * (double)o->n_windows);
    if (o->n_wanted >= o->n_windows)
        return XAI_OK;
    if (o->n_windows > UINT32_MAX)
        return xai__fail(XAI_E_LIMIT, "a share of %llu windows cannot be chosen, at most of 2^32 - 1",
                         (unsigned long long)o->n_windows);
    choose_step(o);
    o->order = xai__alloc_array(context, (size_t)o->n_windows, sizeof *o->order);
    o->place = xai__zalloc_array(context, (size_t)o->n_windows, sizeof *o->place);
    o->cells = xai__alloc_array(context, (size_t)o->n_windows, sizeof *o->cells);
    o->ranks = xai__alloc_array(context, (size_t)o->n_windows, sizeof *o->ranks);
    o->scales = xai__zalloc_array(context, o->scorer.targets.n, sizeof *o->scales);
    if (o->order == NULL || o->place == NULL || o->cells == NULL || o->ranks == NULL || o->scales == NULL)
        return XAI_E_NO_MEMORY;
    o->n_listed = 0;
    list_lattice(o);
    sort_listed(o, 0);
    return XAI_OK;
}

/* --- where to look closer --- */

static double drop_at(const xai__occlusion *o, int64_t row, int64_t column, size_t target)
{
    uint64_t at = o->place[row * o->grid.columns + column] - 1;

    return o->scorer.plain_scores[target] - o->scores[at * o->scorer.targets.n + target];
}

/* The largest drop of the first pass: targets whose scores differ in size count alike. */
static void take_scales(xai__occlusion *o)
{
    size_t n = o->scorer.targets.n;

    for (size_t t = 0; t < n; t++) {
        for (uint64_t i = 0; i < o->n_first; i++)
            o->scales[t] = fmax(o->scales[t], fabs(o->scorer.plain_scores[t] - o->scores[i * n + t]));
        if (o->scales[t] <= 0)
            o->scales[t] = 1;
    }
}

/* What interpolation may be wrong by, times the windows that it concerns: high drops and those that differ from corner
 * to corner make it uncertain. */
static double worth_of(const xai__occlusion *o, const xai__cell *c)
{
    double most = 0;

    for (size_t t = 0; t < o->scorer.targets.n; t++) {
        const double drops[4] = { drop_at(o, c->top, c->left, t), drop_at(o, c->top, c->right, t),
                                  drop_at(o, c->bottom, c->left, t), drop_at(o, c->bottom, c->right, t) };
        double low = drops[0], high = drops[0];

        for (int i = 1; i < 4; i++) {
            low = fmin(low, drops[i]);
            high = fmax(high, drops[i]);
        }
        most = fmax(most, (fmax(high, -low) + high - low) / o->scales[t]);
    }
    return most * (double)larger(c->bottom - c->top, 1) * (double)larger(c->right - c->left, 1);
}

static int compare_cells(const void *user, uint32_t a, uint32_t b)
{
    const xai__cell *x = (const xai__cell *)user + a, *y = (const xai__cell *)user + b;

    if (x->worth != y->worth)
        return x->worth < y->worth ? 1 : -1;
    if (x->top != y->top)
        return x->top < y->top ? -1 : 1;
    return (x->left > y->left) - (x->left < y->left);
}

static void judge_cells(xai__occlusion *o)
{
    if (o->scales[0] <= 0)
        take_scales(o);
    for (size_t i = 0; i < o->n_cells; i++)
        if (isnan(o->cells[i].worth))
            o->cells[i].worth = is_whole(&o->cells[i]) ? -1 : worth_of(o, &o->cells[i]);
    for (size_t i = 0; i < o->n_cells; i++)
        o->ranks[i] = (uint32_t)i;
    xai__sort(o->ranks, o->n_cells, compare_cells, o->cells);
}

/* Into four, or two where a side has no middle. */
static size_t split(xai__cell *out, const xai__cell *c)
{
    const int64_t rows[3] = { c->top, middle(c->top, c->bottom), c->bottom },
                  columns[3] = { c->left, middle(c->left, c->right), c->right };
    size_t n = 0;

    for (int y = rows[1] == rows[0]; y < 2; y++)
        for (int x = columns[1] == columns[0]; x < 2; x++)
            out[n++] = (xai__cell){
                .top = rows[y], .left = columns[x], .bottom = rows[y + 1], .right = columns[x + 1], .worth = NAN
            };
    return n;
}

static void look_closer(xai__occlusion *o, xai__cell *cell)
{
    xai__cell parts[4];
    size_t n = split(parts, cell);

    *cell = parts[0];
    for (size_t i = 1; i < n; i++)
        o->cells[o->n_cells++] = parts[i];
    for (size_t i = 0; i < n; i++) {
        add_window(o, parts[i].top, parts[i].left);
        add_window(o, parts[i].top, parts[i].right);
        add_window(o, parts[i].bottom, parts[i].left);
        add_window(o, parts[i].bottom, parts[i].right);
    }
}

/* All new windows of a cell may have been run for its neighbours, hence the outer loop. */
void xai__occlusion_list_more(xai__occlusion *o)
{
    uint64_t first = o->n_listed;
    bool is_done = first == o->n_wanted;

    while (!is_done && o->n_listed == first) {
        size_t n = o->n_cells;

        judge_cells(o);
        is_done = o->cells[o->ranks[0]].worth < 0;
        for (size_t i = 0; i < n && o->cells[o->ranks[i]].worth >= 0 && o->n_listed - first < WINDOWS_A_ROUND; i++)
            look_closer(o, &o->cells[o->ranks[i]]);
    }
    if (o->order != NULL)
        sort_listed(o, first);
}

uint64_t xai__occlusion_window(const xai__occlusion *o, uint64_t index)
{
    return o->order != NULL ? o->order[index] : index;
}

/* --- what lies between --- */

/* Values at a cell's middles that are not known, from its corners. A point on a side depends on the ends of that side
 * alone, so that cells which share it agree. */
static void fill_middles(double *drops, int64_t n_columns, const xai__cell *c)
{
    const int64_t rows[3] = { c->top, middle(c->top, c->bottom), c->bottom },
                  columns[3] = { c->left, middle(c->left, c->right), c->right };
    const double down = c->bottom > c->top ? (double)(rows[1] - rows[0]) / (double)(c->bottom - c->top) : 0,
                 across = c->right > c->left ? (double)(columns[1] - columns[0]) / (double)(c->right - c->left) : 0;
    const double *upper = drops + c->top * n_columns, *lower = drops + c->bottom * n_columns;

    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++) {
            double *drop = &drops[rows[y] * n_columns + columns[x]], v = y == 1 ? down : y / 2,
                   u = x == 1 ? across : x / 2;

            if (isnan(*drop))
                *drop = (1 - v) * ((1 - u) * upper[c->left] + u * upper[c->right]) +
                        v * ((1 - u) * lower[c->left] + u * lower[c->right]);
        }
}

static void fill_cell(double *drops, int64_t n_columns, const xai__cell *cell)
{
    xai__cell parts[4];
    size_t n;

    if (is_whole(cell))
        return;
    fill_middles(drops, n_columns, cell);
    n = split(parts, cell);
    for (size_t i = 0; i < n; i++)
        fill_cell(drops, n_columns, &parts[i]);
}

void xai__occlusion_fill(double *drops, const xai__occlusion *o)
{
    int64_t rows = count_cells(o->grid.rows, o->step), columns = count_cells(o->grid.columns, o->step);

    for (int64_t y = 0; y < rows; y++)
        for (int64_t x = 0; x < columns; x++) {
            xai__cell cell = cell_at(&o->grid, o->step, y, x);

            fill_cell(drops, o->grid.columns, &cell);
        }
}
