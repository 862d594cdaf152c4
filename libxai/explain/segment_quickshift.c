/* SPDX-License-Identifier: MIT
 * Quickshift: a density of colour and place at every pixel, and the way up to the nearest denser one. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pcg64.h"
#include "explain/segment.h"

/* Both passes visit a row's neighbours offset by offset, row-major, so that loops run along rows, while each pixel
 * meets its neighbours in scikit-image's order: the first of equally near ones wins, and sums round alike. */
typedef struct climb {
    const xai__segmentation *s;
    ptrdiff_t reach;   /* of the window, to each side */
    double factor;     /* of squared distances in the kernel's exponent */
    double *density;   /* begins as noise, so that flat areas have an order */
    double *distances; /* squared, a row a lane */
    double *nearest;   /* likewise: of the nearest denser pixel so far */
    int64_t *offsets;  /* likewise: where it is */
} climb;

/* exp(x) for -708 <= x <= 0, to the last bit but one: 2^k times a polynomial. Written out, so that it is the same on
 * every machine and loops over it can be turned into vectors. */
static inline double exponential(double x)
{
    const double magic = 0x1.8p52, shifted = x * 1.4426950408889634074 + magic, k = shifted - magic;
    const double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    double p = 1.0 / 6227020800.0, power;
    uint64_t bits;

    /* The last bits of what was shifted are k; moved up, they are an exponent. */
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

/* The part of a row whose neighbours at an offset lie inside the picture. */
typedef struct stretch {
    size_t first, n;
    ptrdiff_t offset; /* from a pixel to its neighbour */
    double dy, dx;    /* squared */
} stretch;

static stretch find_stretch(const climb *c, size_t y, ptrdiff_t dy, ptrdiff_t dx)
{
    ptrdiff_t width = (ptrdiff_t)c->s->width, first = dx < 0 ? -dx : 0, end = dx > 0 ? width - dx : width;
    stretch found = { .offset = dy * width + dx, .dy = (double)(dy * dy), .dx = (double)(dx * dx) };

    found.first = y * c->s->width + (size_t)first;
    found.n = end > first ? (size_t)(end - first) : 0;
    return found;
}

/* Squared distances in colour and place. */
static void measure(double *restrict out, const climb *c, const stretch *t)
{
    const double *p0 = c->s->planes[0] + t->first, *p1 = c->s->planes[1] + t->first, *p2 = c->s->planes[2] + t->first,
                 *q0 = p0 + t->offset, *q1 = p1 + t->offset, *q2 = p2 + t->offset, dy = t->dy, dx = t->dx;

    for (size_t i = 0; i < t->n; i++) {
        double a = p0[i] - q0[i], b = p1[i] - q1[i], d = p2[i] - q2[i];

        out[i] = a * a + b * b + d * d + dy + dx;
    }
}

static void add_density(double *restrict density, const double *restrict distances, size_t n, double factor)
{
    for (size_t i = 0; i < n; i++) {
        double x = distances[i] * factor;

        density[i] += exponential(x > -708 ? x : -708);
    }
}

static void find_denser(const climb *c, const stretch *t, const double *distances, double *nearest, int64_t *offsets)
{
    const double *here = c->density + t->first, *there = here + t->offset;

    for (size_t i = 0; i < t->n; i++) {
        bool is_nearer = (there[i] > here[i]) & (distances[i] < nearest[i]);

        nearest[i] = is_nearer ? distances[i] : nearest[i];
        offsets[i] = is_nearer ? t->offset : offsets[i];
    }
}

/* --- rows, which are tasks --- */

static void sum_row(void *job, size_t y, size_t lane)
{
    climb *c = job;
    double *distances = c->distances + lane * c->s->width;

    for (ptrdiff_t dy = -c->reach; dy <= c->reach; dy++) {
        if ((ptrdiff_t)y + dy < 0 || (ptrdiff_t)y + dy >= (ptrdiff_t)c->s->height)
            continue;
        for (ptrdiff_t dx = -c->reach; dx <= c->reach; dx++) {
            stretch t = find_stretch(c, y, dy, dx);

            if (t.n == 0)
                continue;
            measure(distances, c, &t);
            add_density(c->density + t.first, distances, t.n, c->factor);
        }
    }
}

/* A pixel with nothing denser in its window, or too far away, is a root: its own label. */
static void climb_row(void *job, size_t y, size_t lane)
{
    climb *c = job;
    size_t width = c->s->width;
    double *distances = c->distances + lane * width, *nearest = c->nearest + lane * width;
    int64_t *offsets = c->offsets + lane * width;

    for (size_t x = 0; x < width; x++) {
        nearest[x] = DBL_MAX;
        offsets[x] = 0;
    }
    for (ptrdiff_t dy = -c->reach; dy <= c->reach; dy++) {
        if ((ptrdiff_t)y + dy < 0 || (ptrdiff_t)y + dy >= (ptrdiff_t)c->s->height)
            continue;
        for (ptrdiff_t dx = -c->reach; dx <= c->reach; dx++) {
            stretch t = find_stretch(c, y, dy, dx);
            size_t x = t.first - y * width;

            if (t.n == 0)
                continue;
            measure(distances, c, &t);
            find_denser(c, &t, distances, nearest + x, offsets + x);
        }
    }
    for (size_t x = 0; x < width; x++) {
        int64_t here = (int64_t)(y * width + x);
        bool is_far = sqrt(nearest[x]) > c->s->options.max_dist;

        c->s->labels[here] = (int32_t)(is_far ? here : here + offsets[x]);
    }
}

/* Parents are denser, so chains end; each pixel then points at its root. */
static void follow_to_roots(int32_t *parent, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t root = (int32_t)i;

        while (parent[root] != root)
            root = parent[root];
        for (int32_t j = (int32_t)i, next; j != root; j = next) {
            next = parent[j];
            parent[j] = root;
        }
    }
}

static xai_status fill_noise(climb *c, uint64_t seed)
{
    xai__pcg64 *rng = xai__alloc(c->s->context, sizeof *rng);

    if (rng == NULL)
        return XAI_E_NO_MEMORY;
    xai__pcg64_seed(rng, seed);
    for (size_t i = 0; i < c->s->n_pixels; i++)
        c->density[i] = 1e-5 * xai__pcg64_normal(rng);
    xai__free(c->s->context, rng);
    return XAI_OK;
}

static xai_status create_climb(climb *c, size_t n_lanes)
{
    xai_context *context = c->s->context;
    size_t size = n_lanes * c->s->width;

    c->density = xai__alloc_array(context, c->s->n_pixels, sizeof *c->density);
    c->distances = xai__alloc_array(context, size, sizeof *c->distances);
    c->nearest = xai__alloc_array(context, size, sizeof *c->nearest);
    c->offsets = xai__alloc_array(context, size, sizeof *c->offsets);
    if (c->density == NULL || c->distances == NULL || c->nearest == NULL || c->offsets == NULL)
        return XAI_E_NO_MEMORY;
    return fill_noise(c, c->s->options.seed);
}

xai_status xai__segment_quickshift(xai__segmentation *s)
{
    const double size = s->options.kernel_size, longest = (double)(s->width > s->height ? s->width : s->height);
    climb c = { .s = s, .factor = -0.5 / (size * size) };
    xai__team team;
    xai_status status;

    c.reach = (ptrdiff_t)ceil(3 * size < longest ? 3 * size : longest);
    xai__segment_colours(s, true, 0, 1, 1);
    status = xai__segment_smooth(s, s->options.sigma);
    for (size_t i = 0; i < s->n_pixels * XAI__SEGMENT_CHANNELS && status == XAI_OK; i++)
        s->planes[0][i] *= s->options.ratio;
    team = xai__team_take(s->context);
    if (status == XAI_OK)
        status = create_climb(&c, xai__team_size(&team));
    if (status == XAI_OK) {
        xai__team_run(&team, s->height, sum_row, &c);
        xai__team_run(&team, s->height, climb_row, &c);
        follow_to_roots(s->labels, s->n_pixels);
    }
    xai__team_give_back(&team);
    xai__free(s->context, c.density);
    xai__free(s->context, c.distances);
    xai__free(s->context, c.nearest);
    xai__free(s->context, c.offsets);
    return status;
}
