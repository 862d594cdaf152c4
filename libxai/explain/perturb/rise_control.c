/* SPDX-License-Identifier: MIT
 * RISE: the covariance of scores and masks, less the noise of what a linear function of the mask says of the score.
 *
 * A control variate. With g a linear function of the mask M and s the score, Cov(s, M) = Cov(s - g, M) + Cov(g, M), of
 * which the last is known. Units (masks, or pairs) fall into folds, and g is fitted for each fold by the others alone,
 * so the estimate has no bias, however badly g fits. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/threads.h"
#include "explain/cholesky.h"
#include "explain/dot.h"
#include "explain/perturb/rise.h"

/* Units are held until so many are there, then added for good: what is held can be fitted anew as more come. */
enum { N_HELD = 2048, N_FOLDS = 8, MAX_BLOCKS = 8, BAND = 8 };

/* The ridge's penalty, in units' worth of evidence that a coefficient is 0; the constant's only keeps it solvable. */
static const double PENALTY = 30, CONSTANT_PENALTY = 1e-9;

/* --- blocks: what g is linear in --- */

/* Block b of a side is pixels first_of(b) to first_of(b + 1) - 1. */
static uint32_t first_of(uint32_t block, uint32_t n_blocks, uint32_t size)
{
    return (uint32_t)((uint64_t)block * size / n_blocks);
}

/* cells: of each shift, block and cell, the cell's share in the mean of the block's pixels. */
static void mix_blocks(double *cells, const xai__rise_side *side, uint32_t n_blocks, uint32_t grid)
{
    for (uint32_t shift = 0; shift < side->n_shifts; shift++)
        for (uint32_t b = 0; b < n_blocks; b++) {
            double *shares = cells + ((size_t)shift * n_blocks + b) * grid;
            uint32_t first = first_of(b, n_blocks, side->size), end = first_of(b + 1, n_blocks, side->size);

            for (uint32_t i = first; i < end; i++)
                for (int k = 0; k < 2; k++)
                    shares[side->taps[i + shift].cells[k]] += side->taps[i + shift].weights[k] / (end - first);
        }
}

/* of each pixel and block, the mean over the shifts of the products of their shares in a cell, summed over cells. */
static void relate_blocks(double *out, const double *cells, const xai__rise_side *side, uint32_t n_blocks,
                          uint32_t grid)
{
    for (uint32_t i = 0; i < side->size; i++)
        for (uint32_t shift = 0; shift < side->n_shifts; shift++)
            for (uint32_t b = 0; b < n_blocks; b++)
                for (int k = 0; k < 2; k++)
                    out[i * n_blocks + b] +=
                        side->taps[i + shift].weights[k] / side->n_shifts *
                        cells[((size_t)shift * n_blocks + b) * grid + side->taps[i + shift].cells[k]];
}

static xai_status init_side(xai__rise_blocks *out, const xai__rise_control *c, const xai__rise_side *side)
{
    uint32_t grid = c->masks->grid;

    out->cells = xai__zalloc_array(c->context, (size_t)side->n_shifts * c->n_blocks * grid, sizeof *out->cells);
    out->shares = xai__zalloc_array(c->context, (size_t)side->size * c->n_blocks, sizeof *out->shares);
    if (out->cells == NULL || out->shares == NULL)
        return XAI_E_NO_MEMORY;
    mix_blocks(out->cells, side, c->n_blocks, grid);
    relate_blocks(out->shares, out->cells, side, c->n_blocks, grid);
    return XAI_OK;
}

/* The mean of a block's own share over the blocks, which is how much a block's mean varies. */
static double mean_share(const xai__rise_blocks *blocks, const xai__rise_side *side, uint32_t n_blocks)
{
    double sum = 0;

    for (uint32_t b = 0; b < n_blocks; b++) {
        uint32_t first = first_of(b, n_blocks, side->size), end = first_of(b + 1, n_blocks, side->size);

        for (uint32_t i = first; i < end; i++)
            sum += blocks->shares[i * n_blocks + b] / (end - first);
    }
    return sum / n_blocks;
}

/* The mean of each block of mask number index, less keep; before them 1, where there is a constant. */
static void describe(double *out, const xai__rise_control *c, uint64_t index)
{
    const xai__rise_masks *m = c->masks;
    uint32_t shifts[2], n = c->n_blocks, grid = m->grid;
    double cells[XAI__RISE_MAX_GRID * XAI__RISE_MAX_GRID], mixed[XAI__RISE_MAX_GRID];

    xai__rise_cells(cells, shifts, m, index);
    for (uint32_t i = 0; i < grid * grid; i++)
        cells[i] -= m->keep;
    if (!m->is_paired)
        *out++ = 1;
    for (uint32_t y = 0; y < n; y++) {
        const double *down = c->rows.cells + ((size_t)shifts[0] * n + y) * grid;

        memset(mixed, 0, grid * sizeof *mixed);
        for (uint32_t i = 0; i < grid; i++)
            for (uint32_t j = 0; j < grid; j++)
                mixed[j] += down[i] * cells[i * grid + j];
        for (uint32_t x = 0; x < n; x++)
            out[y * n + x] = xai__dot(mixed, c->columns.cells + ((size_t)shifts[1] * n + x) * grid, grid);
    }
}

/* --- evidence --- */

/* Products of a unit's columns with each other, the lower half, and with its scores. */
static void add_evidence(double *products, const xai__rise_control *c, const double *columns, const double *scores)
{
    double *crossed = products + c->n_columns * c->n_columns;

    for (size_t i = 0; i < c->n_columns; i++)
        for (size_t j = 0; j <= i; j++)
            products[i * c->n_columns + j] += columns[i] * columns[j];
    for (size_t t = 0; t < c->n_targets; t++)
        for (size_t i = 0; i < c->n_columns; i++)
            crossed[t * c->n_columns + i] += columns[i] * scores[t];
}

static size_t evidence_size(const xai__rise_control *c)
{
    return (c->n_columns + c->n_targets) * c->n_columns;
}

static double *fold_of(const xai__rise_control *c, size_t fold)
{
    return c->folds + fold * evidence_size(c);
}

/* --- fits --- */

/* What came before and the other folds; g of this fold replaces it, a row of columns a target. */
static void fit_fold(double *coefficients, const xai__rise_control *c, size_t fold)
{
    size_t n = c->n_columns, size = evidence_size(c), first = c->masks->is_paired ? 0 : 1;
    double *products = c->work;

    memcpy(products, c->past, size * sizeof *products);
    for (size_t other = 0; other < N_FOLDS; other++)
        for (size_t i = 0; i < size && other != fold; i++)
            products[i] += fold_of(c, other)[i];
    for (size_t i = 0; i < n; i++)
        products[i * n + i] += i < first ? CONSTANT_PENALTY : PENALTY * c->variance;
    xai__cholesky_factor(products, n, 0);
    memcpy(coefficients, products + n * n, c->n_targets * n * sizeof *coefficients);
    for (size_t t = 0; t < c->n_targets; t++)
        xai__cholesky_solve(coefficients + t * n, products, n);
}

/* Every fold's g, and what it leaves of the scores that are held. */
static void fit(xai__rise_control *c)
{
    size_t n = c->n_columns;

    for (size_t fold = 0; fold < N_FOLDS; fold++)
        fit_fold(c->coefficients + fold * c->n_targets * n, c, fold);
    for (size_t i = 0; i < c->n_held; i++)
        for (size_t t = 0; t < c->n_targets; t++) {
            const double *g = c->coefficients + (i % N_FOLDS * c->n_targets + t) * n;

            c->residuals[i * c->n_targets + t] = c->scores[i * c->n_targets + t] -
                                                 xai__dot(g, c->columns_of_held + i * n, n);
        }
}

/* --- sums over what is held --- */

/* A pass in progress. sums, squares: a target and pixel each, added to. */
typedef struct summing {
    const xai__rise_control *c;
    double *sums, *squares;
    char *scratch; /* of scratch_size bytes a lane */
    size_t scratch_size;
} summing;

/* A lane's: of a band of rows, a mask, and of each target sums of the residuals times the mask and of their squares;
 * of a row of blocks, what they tell of each pixel across. */
typedef struct lane {
    double *sums, *squares, *across;
    float *mask;
} lane;

static lane lane_of(const summing *s, size_t number)
{
    size_t width = s->c->masks->columns.size, n = s->c->n_targets * BAND * width;
    double *at = (double *)(s->scratch + number * s->scratch_size);

    return (lane){ .sums = at, .squares = at + n, .across = at + 2 * n, .mask = (float *)(at + 2 * n + width) };
}

static void add_unit(const lane *l, const xai__rise_control *c, size_t held, uint32_t y, size_t n)
{
    const xai__rise_masks *m = c->masks;
    uint64_t unit = c->n_past + held;

    xai__rise_mask_rows(l->mask, m, m->is_paired ? 2 * unit + 1 : unit, y, (uint32_t)(n / m->columns.size));
    for (size_t t = 0; t < c->n_targets; t++) {
        double *sums = l->sums + t * n, *squares = l->squares + t * n, rest = c->residuals[held * c->n_targets + t];

        for (size_t i = 0; i < n; i++) {
            double product = rest * (l->mask[i] - m->keep);

            sums[i] += product;
            squares[i] += product * product;
        }
    }
}

/* Cov(g, M) of a row of pixels, from the columns of g that are blocks. */
static void relate_row(double *out, const xai__rise_control *c, const double *blocks, uint32_t y)
{
    size_t width = c->masks->columns.size, n = c->n_blocks;
    const double *down = c->rows.shares + y * n;
    double mixed[MAX_BLOCKS] = { 0 }, scale = c->masks->keep * (1 - c->masks->keep);

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            mixed[j] += scale * down[i] * blocks[i * n + j];
    for (size_t x = 0; x < width; x++)
        out[x] = xai__dot(mixed, c->columns.shares + x * n, n);
}

/* Each unit's estimate is its residual times the mask, plus Cov(g, M). */
static void finish_fold(const summing *s, const lane *l, size_t fold, uint32_t y, size_t n)
{
    const xai__rise_control *c = s->c;
    size_t width = c->masks->columns.size, first = c->masks->is_paired ? 0 : 1;
    double n_units = (double)((c->n_held + N_FOLDS - 1 - fold) / N_FOLDS);

    for (size_t t = 0; t < c->n_targets; t++)
        for (size_t row = 0; row < n / width; row++) {
            const double *g = c->coefficients + (fold * c->n_targets + t) * c->n_columns + first,
                         *part = l->sums + t * n + row * width, *part_squares = l->squares + t * n + row * width;
            size_t at = t * c->n_pixels + (y + row) * width;

            relate_row(l->across, c, g, (uint32_t)(y + row));
            for (size_t x = 0; x < width; x++) {
                double known = l->across[x];

                s->sums[at + x] += part[x] + n_units * known;
                s->squares[at + x] += part_squares[x] + known * (2 * part[x] + n_units * known);
            }
        }
}

static void sum_band(void *job, size_t index, size_t number)
{
    const summing *s = job;
    const xai__rise_control *c = s->c;
    lane l = lane_of(s, number);
    uint32_t y = (uint32_t)index * BAND, left = c->masks->rows.size - y;
    size_t n = (size_t)(left < BAND ? left : BAND) * c->masks->columns.size;

    for (size_t fold = 0; fold < N_FOLDS; fold++) {
        memset(l.sums, 0, c->n_targets * n * sizeof *l.sums);
        memset(l.squares, 0, c->n_targets * n * sizeof *l.squares);
        for (size_t i = fold; i < c->n_held; i += N_FOLDS)
            add_unit(&l, c, i, y, n);
        finish_fold(s, &l, fold, y, n);
    }
}

/* Adds the held units to sums and squares, as they are fitted now. */
static xai_status sum_held(double *sums, double *squares, xai__rise_control *c)
{
    size_t width = c->masks->columns.size;
    summing s = { .c = c, .sums = sums, .squares = squares };
    xai__team team;

    if (c->n_held == 0)
        return XAI_OK;
    fit(c);
    if (!xai__mul_size(&s.scratch_size, 2 * c->n_targets * BAND + 1 + BAND / 2, width * sizeof(double)))
        return xai__fail_memory();
    team = xai__team_take(c->context);
    s.scratch = xai__alloc_array(c->context, xai__team_size(&team), s.scratch_size);
    if (s.scratch != NULL)
        xai__team_run(&team, (c->masks->rows.size + BAND - 1) / BAND, sum_band, &s);
    xai__team_give_back(&team);
    xai__free(c->context, s.scratch);
    return s.scratch != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- all of it --- */

static xai_status allocate(xai__rise_control *c, uint64_t n_units)
{
    size_t room = n_units < N_HELD ? (size_t)n_units : N_HELD, n = c->n_columns, size = evidence_size(c), n_all;

    if (!xai__mul_size(&n_all, c->n_pixels, 4 * c->n_targets))
        return xai__fail_memory();
    c->columns_of_held = xai__alloc_array(c->context, room, n * sizeof(double));
    c->scores = xai__alloc_array(c->context, room, c->n_targets * sizeof(double));
    c->residuals = xai__alloc_array(c->context, room, c->n_targets * sizeof(double));
    c->past = xai__zalloc_array(c->context, N_FOLDS + 2, size * sizeof(double));
    c->coefficients = xai__alloc_array(c->context, N_FOLDS, c->n_targets * n * sizeof(double));
    c->sums = xai__zalloc_array(c->context, n_all, sizeof(double));
    if (c->columns_of_held == NULL || c->scores == NULL || c->residuals == NULL || c->past == NULL ||
        c->coefficients == NULL || c->sums == NULL)
        return XAI_E_NO_MEMORY;
    c->folds = c->past + size;
    c->work = c->folds + N_FOLDS * size;
    c->squares = c->sums + n_all / 4;
    c->sums_now = c->squares + n_all / 4;
    c->squares_now = c->sums_now + n_all / 4;
    return XAI_OK;
}

xai_status xai__rise_control_init(xai__rise_control *c, uint64_t n_units)
{
    const xai__rise_masks *m = c->masks;
    xai_status status;

    c->n_pixels = (size_t)m->rows.size * m->columns.size;
    c->n_blocks = m->grid < MAX_BLOCKS ? m->grid : MAX_BLOCKS;
    c->n_columns = (size_t)c->n_blocks * c->n_blocks + (m->is_paired ? 0 : 1);
    status = init_side(&c->rows, c, &m->rows);
    if (status == XAI_OK)
        status = init_side(&c->columns, c, &m->columns);
    if (status < 0)
        return status;
    c->variance = m->keep * (1 - m->keep) * mean_share(&c->rows, &m->rows, c->n_blocks) *
                  mean_share(&c->columns, &m->columns, c->n_blocks);
    return allocate(c, n_units);
}

void xai__rise_control_fini(xai__rise_control *c)
{
    xai__free(c->context, c->rows.cells);
    xai__free(c->context, c->rows.shares);
    xai__free(c->context, c->columns.cells);
    xai__free(c->context, c->columns.shares);
    xai__free(c->context, c->columns_of_held);
    xai__free(c->context, c->scores);
    xai__free(c->context, c->residuals);
    xai__free(c->context, c->past);
    xai__free(c->context, c->coefficients);
    xai__free(c->context, c->sums);
}

/* The folds become the past, in the order that a fit takes. */
static xai_status settle(xai__rise_control *c)
{
    size_t size = evidence_size(c);
    xai_status status = sum_held(c->sums, c->squares, c);

    if (status < 0)
        return status;
    for (size_t fold = 0; fold < N_FOLDS; fold++)
        for (size_t i = 0; i < size; i++)
            c->past[i] += fold_of(c, fold)[i];
    memset(c->folds, 0, N_FOLDS * size * sizeof *c->folds);
    c->n_past += c->n_held;
    c->n_held = 0;
    return XAI_OK;
}

xai_status xai__rise_control_add(xai__rise_control *c, const double *scores)
{
    const xai__rise_masks *m = c->masks;
    uint64_t unit = c->n_past + c->n_held;
    double *columns = c->columns_of_held + c->n_held * c->n_columns;

    describe(columns, c, m->is_paired ? 2 * unit + 1 : unit);
    memcpy(c->scores + c->n_held * c->n_targets, scores, c->n_targets * sizeof *scores);
    add_evidence(fold_of(c, c->n_held % N_FOLDS), c, columns, scores);
    c->n_held++;
    return c->n_held == N_HELD ? settle(c) : XAI_OK;
}

xai_status xai__rise_control_gather(xai__rise_control *c)
{
    size_t n = c->n_pixels * c->n_targets;

    memcpy(c->sums_now, c->sums, n * sizeof *c->sums);
    memcpy(c->squares_now, c->squares, n * sizeof *c->squares);
    return sum_held(c->sums_now, c->squares_now, c);
}

/* One unit has nothing to be compared with. */
void xai__rise_control_read(float *map, float *errors, const xai__rise_control *c, size_t target)
{
    const double *sums = c->sums_now + target * c->n_pixels, *squares = c->squares_now + target * c->n_pixels;
    double n = (double)(c->n_past + c->n_held), factor = n > 1 ? 1 / (n * c->masks->keep) : 0;

    for (size_t i = 0; i < c->n_pixels; i++) {
        double variance = n > 1 ? (squares[i] - sums[i] * sums[i] / n) / (n - 1) : 0;

        map[i] = (float)(sums[i] * factor);
        errors[i] = (float)(variance > 0 ? sqrt(n * variance) * factor : 0);
    }
}
