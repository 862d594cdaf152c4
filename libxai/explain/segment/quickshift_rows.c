/* SPDX-License-Identifier: MIT
 * Quickshift's passes over rows: compiled once an instruction set. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "explain/segment/quickshift.h"

#define JOIN_(name, isa) name##_##isa
#define JOIN(name, isa)  JOIN_(name, isa)

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

/* No branch is left for the loops: pixels whose neighbour lies outside are not in the stretch. */
static stretch find_stretch(const xai__climb *c, size_t y, ptrdiff_t dy, ptrdiff_t dx)
{
    ptrdiff_t width = (ptrdiff_t)c->s->width, first = dx < 0 ? -dx : 0, end = dx > 0 ? width - dx : width;
    stretch found = { .offset = dy * width + dx, .dy = (double)(dy * dy), .dx = (double)(dx * dx) };

    found.first = y * c->s->width + (size_t)first;
    found.n = end > first ? (size_t)(end - first) : 0;
    return found;
}

/* Squared distances in colour and place. */
static void measure(double *restrict out, const xai__climb *c, const stretch *t)
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

/* Selects, not branches, so that the loop becomes vectors; & and not &&, which would be a branch. */
static void find_denser(const xai__climb *c, const stretch *t, const double *distances, double *nearest,
                        int64_t *offsets)
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
    xai__climb *c = job;
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
    xai__climb *c = job;
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

const xai__quickshift JOIN(xai__quickshift, XAI_ISA) = { sum_row, climb_row };
