/* SPDX-License-Identifier: MIT
 * Ward clustering by the nearest-neighbour chain (Murtagh 1983; Muellner 2011): quadratic in time and memory.
 *
 * Each cluster points to its nearest one. Following that, distances fall, and the chain ends where two point to each
 * other: those are merged, wherever they are, because with Ward's distance no later merge brings anything nearer to
 * them. So no search over all pairs is needed; the merges come out of order and are sorted at the end. */
#include "tree/ward.h"

#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "core/threads.h"

/* Rows whose distances to another are taken at once; each pair's sum still runs in the order of the columns. */
enum { GROUP = 8 };
typedef double lanes __attribute__((vector_size(GROUP * sizeof(double))));

typedef struct clustering {
    xai_context *context;
    const float *rows;
    size_t n, k;
    double *distances; /* of pairs i < j, row after row */
    lanes *groups;     /* k for each of the team: the columns of a group of rows */
    uint32_t *sizes;   /* of each cluster; 0: it was merged into another */
    uint32_t *chain;   /* each the nearest of the one before */
    uint8_t *chained;  /* whether a cluster is on it */
    uint32_t n_chain;
    xai__ward_merge *merges;
} clustering;

/* The upper triangle without its diagonal, row after row, as scipy's condensed form. */
static double *distance(const clustering *c, size_t i, size_t j)
{
    size_t low = i < j ? i : j, high = i < j ? j : i;

    return &c->distances[low * c->n - low * (low + 1) / 2 + (high - low - 1)];
}

/* --- distances --- */

static void pack_group(const clustering *c, lanes *group, size_t first)
{
    for (size_t j = 0; j < GROUP; j++)
        for (size_t x = 0; x < c->k; x++)
            group[x][j] = first + j < c->n ? (double)c->rows[(first + j) * c->k + x] : 0;
}

/* Distances of all rows to those of one group behind them. Each task writes columns of its own, so none waits for
 * another, and each sum is taken in one order, so threads change no bit. */
static void measure_group(void *job, size_t index, size_t lane)
{
    const clustering *c = job;
    lanes *group = c->groups + lane * c->k;
    size_t first = index * GROUP;

    pack_group(c, group, first);
    for (size_t i = 0; i + 1 < c->n && i + 1 < first + GROUP; i++) {
        const float *row = c->rows + i * c->k;
        lanes sums = { 0 };

        for (size_t x = 0; x < c->k; x++) {
            lanes d = group[x] - (double)row[x];

            sums += d * d;
        }
        for (size_t j = 0; j < GROUP && first + j < c->n; j++)
            if (first + j > i)
                *distance(c, i, first + j) = sqrt(sums[j]);
    }
}

static xai_status measure(clustering *c)
{
    xai__team team = xai__team_take(c->context);

    c->groups = xai__alloc_array(c->context, xai__team_size(&team) * c->k, sizeof *c->groups);
    if (c->groups != NULL)
        xai__team_run(&team, (c->n + GROUP - 1) / GROUP, measure_group, c);
    xai__team_give_back(&team);
    return c->groups != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- merges --- */

static void lengthen_chain(clustering *c, uint32_t cluster)
{
    c->chain[c->n_chain++] = cluster;
    c->chained[cluster] = 1;
}

static uint32_t shorten_chain(clustering *c)
{
    uint32_t cluster = c->chain[--c->n_chain];

    c->chained[cluster] = 0;
    return cluster;
}

/* The nearest of the chain's last. Of equals the one before it on the chain comes first, then the lowest. */
static uint32_t find_nearest(const clustering *c, double *least)
{
    uint32_t x = c->chain[c->n_chain - 1], nearest = x;

    *least = INFINITY;
    if (c->n_chain > 1) {
        nearest = c->chain[c->n_chain - 2];
        *least = *distance(c, x, nearest);
    }
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->sizes[i] == 0 || i == x || !(*distance(c, x, i) < *least))
            continue;
        *least = *distance(c, x, i);
        nearest = i;
    }
    return nearest;
}

/* Lengthens the chain until its last two are each other's nearest; returns their distance. Distances fall along the
 * chain, so it comes back to itself through rounding only, and then its last two are as near as any. */
static double follow_chain(clustering *c)
{
    for (;;) {
        double least;
        uint32_t nearest = find_nearest(c, &least);

        if (c->chained[nearest])
            return *distance(c, c->chain[c->n_chain - 1], c->chain[c->n_chain - 2]);
        lengthen_chain(c, nearest);
    }
}

/* Lance and Williams' formula: y stands for both from now on. */
static void unite(clustering *c, uint32_t x, uint32_t y, double height)
{
    double nx = c->sizes[x], ny = c->sizes[y];

    c->sizes[x] = 0;
    c->sizes[y] = (uint32_t)(nx + ny);
    for (uint32_t i = 0; i < c->n; i++) {
        double ni = c->sizes[i], dx, dy, share;

        if (ni == 0 || i == y)
            continue;
        dx = *distance(c, i, x);
        dy = *distance(c, i, y);
        share = 1 / (nx + ny + ni);
        *distance(c, i, y) = sqrt(
            fmax(0, (ni + nx) * share * dx * dx + (ni + ny) * share * dy * dy - ni * share * height * height));
    }
}

static uint32_t find_first(const clustering *c)
{
    uint32_t first = 0;

    while (c->sizes[first] == 0)
        first++;
    return first;
}

static void merge_all(clustering *c)
{
    for (size_t k = 0; k + 1 < c->n; k++) {
        uint32_t x, y;
        double height;

        if (c->n_chain == 0)
            lengthen_chain(c, find_first(c));
        height = follow_chain(c);
        x = shorten_chain(c);
        y = shorten_chain(c);
        c->merges[k] = (xai__ward_merge){ x < y ? x : y, x < y ? y : x, height };
        unite(c, c->merges[k].a, c->merges[k].b, height);
    }
}

/* --- order --- */

static int compare_heights(const void *user, uint32_t a, uint32_t b)
{
    const xai__ward_merge *merges = user;

    return (merges[a].height > merges[b].height) - (merges[a].height < merges[b].height);
}

/* The cluster that one belongs to by now. Halving the way on each search keeps it short. */
static uint32_t find_top(uint32_t *above, uint32_t cluster)
{
    while (above[cluster] != cluster)
        cluster = above[cluster] = above[above[cluster]];
    return cluster;
}

/* The chain finds merges out of order, and names a cluster by one of its rows. */
static void number_merges(xai__ward_merge *out, const xai__ward_merge *merges, const uint32_t *order, uint32_t *above,
                          uint32_t n)
{
    for (uint32_t i = 0; i < 2 * n - 1; i++)
        above[i] = i;
    for (uint32_t k = 0; k + 1 < n; k++) {
        const xai__ward_merge *merge = &merges[order[k]];
        uint32_t a = find_top(above, merge->a), b = find_top(above, merge->b);

        above[a] = above[b] = n + k;
        out[k] = (xai__ward_merge){ a < b ? a : b, a < b ? b : a, merge->height };
    }
}

static void fini(clustering *c)
{
    xai__free(c->context, c->distances);
    xai__free(c->context, c->groups);
    xai__free(c->context, c->sizes);
    xai__free(c->context, c->chain);
    xai__free(c->context, c->chained);
    xai__free(c->context, c->merges);
}

static xai_status init(clustering *c)
{
    size_t n_pairs = c->n * (c->n - 1) / 2;

    c->distances = xai__alloc_array(c->context, n_pairs, sizeof *c->distances);
    c->sizes = xai__alloc_array(c->context, 3 * c->n, sizeof *c->sizes);
    c->chain = xai__alloc_array(c->context, c->n, sizeof *c->chain);
    c->chained = xai__zalloc_array(c->context, c->n, sizeof *c->chained);
    c->merges = xai__alloc_array(c->context, c->n, sizeof *c->merges);
    if (c->distances == NULL || c->sizes == NULL || c->chain == NULL || c->chained == NULL || c->merges == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < c->n; i++)
        c->sizes[i] = 1;
    return measure(c);
}

xai_status xai__ward(xai__ward_merge *merges, xai_context *context, const float *rows, size_t n, size_t k)
{
    clustering c = { .context = context, .rows = rows, .n = n, .k = k };
    xai_status status;

    if (n > XAI__WARD_MAX_ROWS)
        return xai__fail(XAI_E_LIMIT, "%zu classes are too many to cluster, at most %d are", n, XAI__WARD_MAX_ROWS);
    if (n < 2)
        return XAI_OK;
    status = init(&c);
    if (status == XAI_OK) {
        uint32_t *order = c.chain;

        merge_all(&c);
        for (uint32_t i = 0; i + 1 < n; i++)
            order[i] = i;
        xai__sort(order, n - 1, compare_heights, c.merges);
        number_merges(merges, c.merges, order, c.sizes, (uint32_t)n);
    }
    fini(&c);
    return status;
}
