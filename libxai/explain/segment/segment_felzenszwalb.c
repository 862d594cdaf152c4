/* SPDX-License-Identifier: MIT
 * Felzenszwalb and Huttenlocher: edges between neighbours, cheapest first, join segments that differ no more than they
 * vary inside. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/segment/segment.h"

/* Edges lie direction after direction: right, down, down and right, up and right, each row-major. */
enum { N_DIRECTIONS = 4 };

typedef struct direction {
    size_t n, columns;   /* edges, and how many of them a row has */
    size_t first;        /* number of its first edge */
    size_t from, offset; /* pixel that the first edge begins at; how far on it ends */
} direction;

typedef struct forest {
    xai__segmentation *s;
    direction directions[N_DIRECTIONS];
    size_t n_edges;
    double *costs;
    uint32_t *order;
    int32_t *size;    /* of the segment that a root stands for */
    double *internal; /* cost of its dearest edge */
} forest;

/* --- edges --- */

static void list_directions(forest *f)
{
    size_t w = f->s->width, h = f->s->height;
    const direction all[N_DIRECTIONS] = {
        { .n = h * (w - 1), .columns = w - 1, .from = 0, .offset = 1 },
        { .n = (h - 1) * w, .columns = w, .from = 0, .offset = w },
        { .n = (h - 1) * (w - 1), .columns = w - 1, .from = 0, .offset = w + 1 },
        { .n = (h - 1) * (w - 1), .columns = w - 1, .from = 1, .offset = w - 1 },
    };

    for (size_t i = 0; i < N_DIRECTIONS; i++) {
        f->directions[i] = all[i];
        f->directions[i].first = f->n_edges;
        f->n_edges += all[i].n;
    }
}

/* Edges are numbers, whose ends are worked out: lists of them would be four times as large as the picture. */
static void find_ends(uint32_t ends[2], const forest *f, uint32_t edge)
{
    size_t i = N_DIRECTIONS - 1, number;

    while (f->directions[i].first > edge)
        i--;
    number = edge - f->directions[i].first;
    ends[0] = (uint32_t)(f->directions[i].from + number / f->directions[i].columns * f->s->width +
                         number % f->directions[i].columns);
    ends[1] = ends[0] + (uint32_t)f->directions[i].offset;
}

/* The cost of an edge is the distance of two smoothed colours. */
static void measure_edges(forest *f)
{
    double *const *planes = f->s->planes;
    uint32_t ends[2];

    for (uint32_t e = 0; e < f->n_edges; e++) {
        double sum = 0;

        find_ends(ends, f, e);
        for (size_t c = 0; c < XAI__SEGMENT_CHANNELS; c++) {
            double step = planes[c][ends[1]] - planes[c][ends[0]];

            sum += step * step;
        }
        f->costs[e] = sqrt(sum);
        f->order[e] = e;
    }
}

/* --- order --- */

enum { DIGIT = 11, N_VALUES = 1 << DIGIT, N_DIGITS = 6 };

/* Digit number d of a cost. Numbers that are not negative lie in the order of their bits. */
static size_t digit_of(double cost, size_t d)
{
    uint64_t bits;

    memcpy(&bits, &cost, sizeof bits);
    return bits >> (d * DIGIT) & (N_VALUES - 1);
}

static void sort_by_digit(uint32_t *out, const uint32_t *in, const forest *f, size_t d)
{
    size_t places[N_VALUES] = { 0 }, place = 0;

    for (size_t i = 0; i < f->n_edges; i++)
        places[digit_of(f->costs[in[i]], d)]++;
    for (size_t v = 0; v < N_VALUES; v++) {
        size_t n = places[v];

        places[v] = place;
        place += n;
    }
    for (size_t i = 0; i < f->n_edges; i++)
        out[places[digit_of(f->costs[in[i]], d)]++] = in[i];
}

/* By radix, lowest digit first. Among equals the one that was listed first comes first: NumPy's quicksort leaves them
 * in an order that differs from processor to processor. */
static xai_status sort_edges(forest *f)
{
    uint32_t *other = xai__alloc_array(f->s->context, f->n_edges, sizeof *other);

    if (other == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t d = 0; d < N_DIGITS; d += 2) {
        sort_by_digit(other, f->order, f, d);
        sort_by_digit(f->order, other, f, d + 1);
    }
    xai__free(f->s->context, other);
    return XAI_OK;
}

/* --- joining --- */

/* Halves the way on each walk, which changes no root. */
static int32_t find_root(int32_t *parent, int32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* The pixel that comes first stays root. */
static int32_t join(forest *f, int32_t a, int32_t b)
{
    int32_t root = a < b ? a : b, other = a < b ? b : a;

    f->s->labels[other] = root;
    f->size[root] += f->size[other];
    return root;
}

/* What a segment may differ by from its neighbours, the paper's Int(C) + k / |C|: single precision, as scikit-image has
 * it. The second part lets small segments join at all: one pixel has no inner difference. */
static float tolerance(const forest *f, int32_t root, double scale)
{
    return (float)(f->internal[root] + scale / (double)f->size[root]);
}

/* Edges come cheapest first, so the edge that joins is the dearest inside the new segment. */
static void join_similar(forest *f, double scale)
{
    uint32_t ends[2];

    for (size_t i = 0; i < f->n_edges; i++) {
        double cost = f->costs[f->order[i]];
        int32_t a, b;
        float ta, tb;

        find_ends(ends, f, f->order[i]);
        a = find_root(f->s->labels, (int32_t)ends[0]);
        b = find_root(f->s->labels, (int32_t)ends[1]);
        if (a == b)
            continue;
        ta = tolerance(f, a, scale);
        tb = tolerance(f, b, scale);
        if (cost < (double)(ta < tb ? ta : tb))
            f->internal[join(f, a, b)] = cost;
    }
}

/* A second walk in the same order: what is too small goes to its most similar neighbour. */
static void join_small(forest *f, int64_t least)
{
    uint32_t ends[2];

    for (size_t i = 0; i < f->n_edges; i++) {
        int32_t a, b;

        find_ends(ends, f, f->order[i]);
        a = find_root(f->s->labels, (int32_t)ends[0]);
        b = find_root(f->s->labels, (int32_t)ends[1]);
        if (a != b && (f->size[a] < least || f->size[b] < least))
            join(f, a, b);
    }
}

static xai_status create_forest(forest *f)
{
    xai_context *context = f->s->context;

    list_directions(f);
    f->costs = xai__alloc_array(context, f->n_edges, sizeof *f->costs);
    f->order = xai__alloc_array(context, f->n_edges, sizeof *f->order);
    f->size = xai__alloc_array(context, f->s->n_pixels, sizeof *f->size);
    f->internal = xai__zalloc_array(context, f->s->n_pixels, sizeof *f->internal);
    if (f->costs == NULL || f->order == NULL || f->size == NULL || f->internal == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < f->s->n_pixels; i++) {
        f->s->labels[i] = (int32_t)i;
        f->size[i] = 1;
    }
    return XAI_OK;
}

xai_status xai__segment_felzenszwalb(xai__segmentation *s)
{
    forest f = { .s = s };
    xai_status status;

    xai__segment_colours(s, false, 0, 1, 1);
    status = xai__segment_smooth(s, s->options.sigma);
    if (status == XAI_OK)
        status = create_forest(&f);
    if (status == XAI_OK) {
        measure_edges(&f);
        status = sort_edges(&f);
    }
    if (status == XAI_OK) {
        join_similar(&f, s->options.scale / 255.0);
        join_small(&f, s->options.min_size);
        for (size_t i = 0; i < s->n_pixels; i++)
            s->labels[i] = find_root(s->labels, (int32_t)i);
    }
    xai__free(s->context, f.costs);
    xai__free(s->context, f.order);
    xai__free(s->context, f.size);
    xai__free(s->context, f.internal);
    return status;
}
