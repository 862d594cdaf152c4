/* SPDX-License-Identifier: MIT
 * SLIC: k-means in colour and place, each centre looking only around itself; then what is disconnected is merged. */
#include <float.h>
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/segment/segment.h"
#include "io/image.h"

enum { N_FEATURES = 2 + XAI__SEGMENT_CHANNELS };

/* y, x, colours. */
typedef struct centre {
    double at[N_FEATURES];
    size_t n;
} centre;

typedef struct clustering {
    xai__segmentation *s;
    centre *centres;
    size_t n;
    size_t start[2], step[2]; /* of the grid that centres begin on: y, x */
    double *distance;         /* of each pixel to its centre */
} clustering;

/* --- where centres begin --- */

/* About n points on a picture of size: their first place and distance on each axis, as scikit-image's regular_grid()
 * has them for a volume of one slice. A side shorter than the step has one row of points. */
static void place_grid(size_t start[2], size_t step[2], const size_t size[2], size_t n)
{
    const size_t shorter = size[0] <= size[1] ? 0 : 1, longer = 1 - shorter;
    double area = (double)size[0] * (double)size[1], steps[2];

    start[0] = start[1] = 0;
    step[0] = step[1] = 1;
    if (area <= (double)n)
        return;
    steps[0] = steps[1] = sqrt(area / (double)n);
    if ((double)size[shorter] < steps[shorter]) {
        steps[shorter] = (double)size[shorter];
        steps[longer] = (double)size[longer] / (double)n;
    }
    for (size_t i = 0; i < 2; i++) {
        start[i] = (size_t)floor(steps[i] / 2);
        step[i] = (size_t)rint(steps[i]);
        step[i] = step[i] > 0 ? step[i] : 1;
    }
}

/* As many as a slice start::step of size elements has. */
static size_t count_points(size_t start, size_t step, size_t size)
{
    return size > start ? (size - start - 1) / step + 1 : 0;
}

/* Centres begin without colour, so that the first round goes by place alone, colour adding the same to all. */
static xai_status create_centres(clustering *c)
{
    const size_t size[2] = { c->s->height, c->s->width };
    size_t rows, columns;

    place_grid(c->start, c->step, size, c->s->options.n_segments);
    rows = count_points(c->start[0], c->step[0], size[0]);
    columns = count_points(c->start[1], c->step[1], size[1]);
    c->n = rows * columns;
    c->centres = xai__zalloc_array(c->s->context, c->n, sizeof *c->centres);
    c->distance = xai__alloc_array(c->s->context, c->s->n_pixels, sizeof *c->distance);
    if (c->centres == NULL || c->distance == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < c->n; i++) {
        c->centres[i].at[0] = (double)(c->start[0] + i / columns * c->step[0]);
        c->centres[i].at[1] = (double)(c->start[1] + i % columns * c->step[1]);
        c->centres[i].n = 1;
    }
    return XAI_OK;
}

/* --- k-means --- */

/* The window is two steps to each side; its ends are cut off towards zero. */
static void find_window(size_t window[2], double middle, size_t step, size_t size)
{
    double low = middle - 2 * (double)step, high = middle + 2 * (double)step + 1;

    window[0] = low > 0 ? (size_t)low : 0;
    window[1] = high < (double)size ? (size_t)high : size;
}

static double square_of(double x)
{
    return x * x;
}

/* What pixels this centre is nearer to than those before it: |colour|^2 + |place|^2 * weight, colours divided by the
 * compactness before. Strictly nearer, so that of equals the first centre keeps the pixel. */
static bool claim(clustering *c, size_t k, const size_t step[2], double weight)
{
    const double *at = c->centres[k].at;
    double *const *planes = c->s->planes;
    size_t rows[2], columns[2];
    bool changed = false;

    find_window(rows, at[0], step[0], c->s->height);
    find_window(columns, at[1], step[1], c->s->width);
    for (size_t y = rows[0]; y < rows[1]; y++) {
        double dy = square_of(at[0] - (double)y);

        for (size_t x = columns[0], i = y * c->s->width + x; x < columns[1]; x++, i++) {
            double place = (dy + square_of(at[1] - (double)x)) * weight;
            double colour = square_of(planes[0][i] - at[2]);

            colour += square_of(planes[1][i] - at[3]);
            colour += square_of(planes[2][i] - at[4]);
            place += colour;
            if (c->distance[i] > place) {
                c->distance[i] = place;
                c->s->labels[i] = (int32_t)k;
                changed = true;
            }
        }
    }
    return changed;
}

/* Sums run row-major and are divided once, as scikit-image's: the order decides the last bits, and these decide ties.
 */
static void move_centres(clustering *c)
{
    for (size_t k = 0; k < c->n; k++)
        c->centres[k] = (centre){ { 0 }, 0 };
    for (size_t i = 0; i < c->s->n_pixels; i++) {
        centre *own = &c->centres[c->s->labels[i]];

        own->n++;
        own->at[0] += (double)(i / c->s->width);
        own->at[1] += (double)(i % c->s->width);
        for (size_t f = 0; f < XAI__SEGMENT_CHANNELS; f++)
            own->at[2 + f] += c->s->planes[f][i];
    }
    for (size_t k = 0; k < c->n; k++)
        for (size_t f = 0; f < N_FEATURES && c->centres[k].n > 0; f++)
            c->centres[k].at[f] /= (double)c->centres[k].n;
}

/* The distance that place is measured in is the first grid's, in single precision; windows go by the grid that the
 * actual number of centres would have. */
static void cluster(clustering *c)
{
    const size_t size[2] = { c->s->height, c->s->width };
    const float unit = (float)(c->step[0] > c->step[1] ? c->step[0] : c->step[1]);
    const double weight = 1.0 / (double)(unit * unit);
    size_t start[2], step[2];
    bool changed = true;

    place_grid(start, step, size, c->n);
    for (size_t i = 0; i < c->s->n_pixels; i++)
        c->s->labels[i] = 0;
    for (uint32_t round = 0; round < c->s->options.n_iterations && changed; round++) {
        changed = false;
        for (size_t i = 0; i < c->s->n_pixels; i++)
            c->distance[i] = DBL_MAX;
        for (size_t k = 0; k < c->n; k++)
            if (c->centres[k].n > 0 && claim(c, k, step, weight))
                changed = true;
        if (changed)
            move_centres(c);
    }
}

/* --- connectivity --- */

typedef struct merging {
    const int32_t *from;
    int32_t *to; /* -1: not visited */
    uint32_t *queue;
    size_t width, height, n_pixels, most;
} merging;

/* Right, left, down, up; false at the picture's edge. */
static bool find_neighbour(size_t *out, const merging *m, size_t i, size_t direction)
{
    size_t x = i % m->width, y = i / m->width;
    const bool inside[4] = { x + 1 < m->width, x > 0, y + 1 < m->height, y > 0 };
    const ptrdiff_t offset[4] = { 1, -1, (ptrdiff_t)m->width, -(ptrdiff_t)m->width };

    *out = (size_t)((ptrdiff_t)i + offset[direction]);
    return inside[direction];
}

/* Gathers what hangs together with a pixel, breadth first and up to a size; adjacent: the label met last beside it.
 * Parts that were numbered before are the only ones it can meet, so the first part of all has none. */
static size_t flood(merging *m, size_t first, int32_t label, int32_t *adjacent)
{
    size_t n = 1, visited = 0, next;

    m->queue[0] = (uint32_t)first;
    m->to[first] = label;
    for (; visited < n && n < m->most; visited++)
        for (size_t direction = 0; direction < 4 && n < m->most; direction++) {
            if (!find_neighbour(&next, m, m->queue[visited], direction))
                continue;
            if (m->from[next] == m->from[first] && m->to[next] < 0) {
                m->to[next] = label;
                m->queue[n++] = (uint32_t)next;
            } else if (m->to[next] >= 0 && m->to[next] != label) {
                *adjacent = m->to[next];
            }
        }
    return n;
}

/* Parts smaller than half the usual size go to a neighbour, those larger than three times that are cut. */
static xai_status connect(xai__segmentation *s, size_t n_centres)
{
    double usual = (double)s->n_pixels / (double)n_centres;
    size_t least = (size_t)(0.5 * usual), most = (size_t)(3 * usual);
    merging m = { .from = s->labels, .width = s->width, .height = s->height, .n_pixels = s->n_pixels, .most = most };
    int32_t label = 0;
    bool ok;

    m.to = xai__alloc_array(s->context, s->n_pixels, sizeof *m.to);
    m.queue = xai__alloc_array(s->context, most > 0 ? most : 1, sizeof *m.queue);
    ok = m.to != NULL && m.queue != NULL;
    for (size_t i = 0; i < s->n_pixels && ok; i++)
        m.to[i] = -1;
    for (size_t i = 0; i < s->n_pixels && ok; i++) {
        int32_t adjacent = label;
        size_t n;

        if (m.to[i] >= 0)
            continue;
        n = flood(&m, i, label, &adjacent);
        for (size_t j = 0; j < n && n < least; j++)
            m.to[m.queue[j]] = adjacent;
        label += n < least ? 0 : 1;
    }
    for (size_t i = 0; i < s->n_pixels && ok; i++)
        s->labels[i] = m.to[i];
    xai__free(s->context, m.to);
    xai__free(s->context, m.queue);
    return ok ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- the method --- */

/* The picture is stretched to 0..1, so that compactness means the same in a dim one. */
static void find_byte_range(double range[2], const xai_image *image, size_t n_pixels)
{
    uint8_t low = 255, high = 0;

    for (size_t i = 0; i < n_pixels * 3; i++) {
        low = image->pixels[i] < low ? image->pixels[i] : low;
        high = image->pixels[i] > high ? image->pixels[i] : high;
    }
    range[0] = low * (1.0 / 255.0);
    range[1] = high * (1.0 / 255.0);
}

xai_status xai__segment_slic(xai__segmentation *s)
{
    clustering c = { .s = s };
    double range[2], ratio = 1.0 / s->options.compactness;
    xai_status status;

    find_byte_range(range, s->image, s->n_pixels);
    xai__segment_colours(s, true, range[0], range[1], 1);
    status = xai__segment_smooth(s, s->options.sigma);
    for (size_t i = 0; i < s->n_pixels * XAI__SEGMENT_CHANNELS && status == XAI_OK; i++)
        s->planes[0][i] *= ratio;
    if (status == XAI_OK)
        status = create_centres(&c);
    if (status == XAI_OK) {
        cluster(&c);
        if ((s->options.flags & XAI_SEGMENT_KEEP_FRAGMENTS) == 0)
            status = connect(s, c.n);
    }
    xai__free(s->context, c.centres);
    xai__free(s->context, c.distance);
    return status;
}
