/* SPDX-License-Identifier: MIT
 * RISE: masks by number, as each original enlarges and shifts its grid. */
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/mt19937.h"
#include "core/rng.h"
#include "explain/perturb/rise.h"

/* --- pixels from cells --- */

static uint32_t mirror(int64_t cell, uint32_t n)
{
    if (n == 1)
        return 0;
    cell = cell < 0 ? -cell : cell;
    return (uint32_t)(cell > (int64_t)n - 1 ? 2 * ((int64_t)n - 1) - cell : cell);
}

static uint32_t clamp(int64_t cell, uint32_t n)
{
    return (uint32_t)(cell < 0 ? 0 : cell > (int64_t)n - 1 ? (int64_t)n - 1 : cell);
}

/* scipy.ndimage.zoom with grid_mode and mode mirror: positions before the first centre are mirrored, those behind the
 * last one only reach for a mirrored neighbour. */
static xai__rise_tap mirror_tap(uint32_t at, uint32_t size, uint32_t n)
{
    double x = ((double)at + 0.5) * ((double)n / (double)size) - 0.5;
    int64_t low;

    x = x < 0 ? -x : x;
    low = (int64_t)floor(x);
    return (xai__rise_tap){ .cells = { mirror(low, n), mirror(low + 1, n) },
                            .weights = { 1 - (x - (double)low), x - (double)low } };
}

/* torch's bilinear on n + 2 cells, of which the outer ones mirror. */
static xai__rise_tap padded_tap(uint32_t at, uint32_t size, uint32_t n)
{
    double x = ((double)at + 0.5) * ((double)(n + 2) / (double)size) - 0.5;
    int64_t low;

    x = x > 0 ? x : 0;
    low = (int64_t)floor(x);
    low = low < (int64_t)n ? low : (int64_t)n;
    return (xai__rise_tap){ .cells = { mirror(low - 1, n), mirror(low, n) },
                            .weights = { 1 - (x - (double)low), x - (double)low } };
}

static xai__rise_tap edge_tap(uint32_t at, uint32_t size, uint32_t n)
{
    double x = ((double)at + 0.5) * ((double)n / (double)size) - 0.5;
    int64_t low = (int64_t)floor(x);

    return (xai__rise_tap){ .cells = { clamp(low, n), clamp(low + 1, n) },
                            .weights = { 1 - (x - (double)low), x - (double)low } };
}

/* Keys 1981, with cv2's a of -0.75. */
static double cubic(double t)
{
    const double a = -0.75;

    t = fabs(t);
    return t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : t < 2 ? a * (((t - 5) * t + 8) * t - 4) : 0;
}

static xai__rise_tap cubic_tap(uint32_t at, uint32_t size, uint32_t n)
{
    double x = ((double)at + 0.5) * ((double)n / (double)size) - 0.5;
    int64_t low = (int64_t)floor(x);
    xai__rise_tap tap;

    for (int i = 0; i < XAI__RISE_MAX_TAPS; i++) {
        tap.cells[i] = clamp(low + i - 1, n);
        tap.weights[i] = cubic(x - (double)(low + i - 1));
    }
    return tap;
}

/* What the ways to enlarge differ in. */
static const struct zoom {
    xai__rise_tap (*tap)(uint32_t at, uint32_t size, uint32_t n);
    bool adds_cell;   /* to the image's size; else the grid has one cell more than there are cells */
    bool is_fraction; /* a cell is not rounded up to whole pixels */
    uint32_t n_taps;
} zooms[] = {
    [XAI__RISE_MIRROR] = { mirror_tap, false, false, 2 },
    [XAI__RISE_PADDED] = { padded_tap, true, false, 2 },
    [XAI__RISE_EDGE] = { edge_tap, true, true, 2 },
    [XAI__RISE_CUBIC] = { cubic_tap, false, false, 4 },
};

static xai_status init_side(xai__rise_side *side, const xai__rise_masks *m, uint32_t size, const struct zoom *zoom)
{
    uint32_t cell = (size + m->grid - 1) / m->grid, whole = (m->grid + 1) * cell;

    side->size = size;
    side->n_shifts = cell;
    if (zoom->is_fraction) {
        whole = size + size / m->grid;
        side->n_shifts = whole - size + 1;
    } else if (zoom->adds_cell) {
        whole = size + cell;
    }
    side->taps = xai__alloc_array(m->context, whole, sizeof *side->taps);
    for (uint32_t i = 0; i < whole && side->taps != NULL; i++)
        side->taps[i] = zoom->tap(i, whole, m->grid);
    return side->taps != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

xai_status xai__rise_masks_init(xai__rise_masks *m, uint32_t height, uint32_t width, uint32_t zoom)
{
    xai_status status = init_side(&m->rows, m, height, &zooms[zoom]);

    m->n_taps = zooms[zoom].n_taps;
    m->is_cubic = zoom == XAI__RISE_CUBIC;
    return status < 0 ? status : init_side(&m->columns, m, width, &zooms[zoom]);
}

void xai__rise_masks_fini(xai__rise_masks *m)
{
    xai__free(m->context, m->rows.taps);
    xai__free(m->context, m->columns.taps);
    xai__free(m->context, m->cells);
    xai__free(m->context, m->shifts);
}

/* --- random numbers --- */

/* All grids come first, then a shift down and one across for each. */
xai_status xai__rise_masks_draw(xai__rise_masks *m, uint64_t n)
{
    size_t n_cells;
    xai__mt19937 rng;

    if (!xai__mul_size(&n_cells, (size_t)n, (size_t)m->grid * m->grid))
        return xai__fail_memory();
    m->cells = xai__alloc_array(m->context, n_cells, 1);
    m->shifts = xai__alloc_array(m->context, (size_t)n, 2 * sizeof *m->shifts);
    if (m->cells == NULL || m->shifts == NULL)
        return XAI_E_NO_MEMORY;
    xai__mt19937_seed(&rng, (uint32_t)m->seed);
    for (size_t i = 0; i < n_cells; i++)
        m->cells[i] = xai__mt19937_uniform(&rng) < m->keep;
    for (uint64_t i = 0; i < n; i++) {
        m->shifts[2 * i] = xai__mt19937_upto(&rng, m->rows.n_shifts - 1);
        m->shifts[2 * i + 1] = xai__mt19937_upto(&rng, m->columns.n_shifts - 1);
    }
    return XAI_OK;
}

/* Two streams for each seed, one of cells and one of shifts, told apart by their keys. */
static uint64_t key_of(const xai__rise_masks *m, uint64_t stream)
{
    return xai__mix64(m->seed * 2 + stream);
}

static double cell_at(const xai__rise_masks *m, uint64_t index, uint32_t cell)
{
    uint64_t at = index * m->grid * m->grid + cell;

    return m->cells != NULL ? m->cells[at] : xai__rng_uniform_at(key_of(m, 0), at) < m->keep;
}

static uint32_t shift_at(const xai__rise_masks *m, uint64_t index, uint32_t side)
{
    uint32_t n = side == 0 ? m->rows.n_shifts : m->columns.n_shifts;

    if (m->shifts != NULL)
        return m->shifts[2 * index + side];
    return (uint32_t)(xai__rng_uniform_at(key_of(m, 1), 2 * (index / m->shared_shifts) + side) * n);
}

/* --- masks --- */

/* The products are added in scipy's order, so that even their rounding is the same. */
static void make_row(float *out, const xai__rise_masks *m, const double *cells, const xai__rise_tap *row,
                     const xai__rise_tap *columns)
{
    double mixed[XAI__RISE_MAX_TAPS][XAI__RISE_MAX_GRID];

    for (uint32_t i = 0; i < m->n_taps; i++)
        for (uint32_t c = 0; c < m->grid; c++)
            mixed[i][c] = cells[row->cells[i] * m->grid + c] * row->weights[i];
    for (uint32_t x = 0; x < m->columns.size; x++) {
        double sum = 0;

        for (uint32_t i = 0; i < m->n_taps; i++)
            for (uint32_t j = 0; j < m->n_taps; j++)
                sum += mixed[i][columns[x].cells[j]] * columns[x].weights[j];
        out[x] = (float)sum;
    }
}

static void finish(float *out, const xai__rise_masks *m, size_t n, bool is_other)
{
    for (size_t i = 0; i < n && m->is_cubic; i++)
        out[i] = out[i] < 0 ? 0 : out[i] > 1 ? 1 : out[i];
    for (size_t i = 0; i < n && is_other; i++)
        out[i] = 1 - out[i];
}

static bool is_other(const xai__rise_masks *m, uint64_t index)
{
    return m->is_paired && index % 2 == 1;
}

/* Cells as they were drawn: of both masks of a pair, the first one's. */
static void draw(double *cells, uint32_t shifts[2], const xai__rise_masks *m, uint64_t index)
{
    uint64_t drawn = m->is_paired ? index / 2 : index;

    for (uint32_t i = 0; i < m->grid * m->grid; i++)
        cells[i] = cell_at(m, drawn, i);
    for (uint32_t side = 0; side < 2; side++)
        shifts[side] = shift_at(m, drawn, side);
}

void xai__rise_cells(double *cells, uint32_t shifts[2], const xai__rise_masks *m, uint64_t index)
{
    draw(cells, shifts, m, index);
    for (uint32_t i = 0; i < m->grid * m->grid && is_other(m, index); i++)
        cells[i] = 1 - cells[i];
}

void xai__rise_mask_rows(float *out, const xai__rise_masks *m, uint64_t index, uint32_t first, uint32_t n)
{
    double cells[XAI__RISE_MAX_GRID * XAI__RISE_MAX_GRID];
    size_t width = m->columns.size;
    uint32_t shifts[2];

    draw(cells, shifts, m, index);
    for (uint32_t y = 0; y < n; y++)
        make_row(out + y * width, m, cells, &m->rows.taps[shifts[0] + first + y], m->columns.taps + shifts[1]);
    finish(out, m, n * width, is_other(m, index));
}

void xai__rise_mask(float *out, const xai__rise_masks *m, uint64_t index)
{
    xai__rise_mask_rows(out, m, index, 0, m->rows.size);
}
