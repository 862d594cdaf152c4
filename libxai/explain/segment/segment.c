/* SPDX-License-Identifier: MIT
 * Superpixels: the handle, methods and their options, labels that come from outside. */
#include "explain/segment/segment.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/sort.h"
#include "core/text.h"
#include "io/image.h"

/* Labels are 31 bits wide, and Felzenszwalb's edges, four a pixel, are numbered in 32. */
enum { MOST_PIXELS = (1 << 30) - 1 };

/* --- handle --- */

xai_segments *xai_segments_ref(xai_segments *segments)
{
    if (segments != NULL)
        xai__object_ref(&segments->object);
    return segments;
}

void xai_segments_unref(xai_segments *segments)
{
    xai_context *context;

    if (segments == NULL || !xai__object_unref(&segments->object))
        return;
    context = segments->object.context;
    xai__free(context, segments->labels);
    xai__free(context, segments);
    xai_context_unref(context);
}

size_t xai_segments_count(const xai_segments *segments)
{
    return segments->n;
}

int32_t xai_segments_width(const xai_segments *segments)
{
    return segments->width;
}

int32_t xai_segments_height(const xai_segments *segments)
{
    return segments->height;
}

const int32_t *xai_segments_labels(const xai_segments *segments)
{
    return segments->labels;
}

/* Labels are not set; where it fails *out is left alone. */
static xai_status create(xai_segments **out, xai_context *context, size_t width, size_t height)
{
    xai_segments *segments;

    if (width * height > MOST_PIXELS)
        return xai__fail(XAI_E_LIMIT, "%zux%zu pixels are more than the %d that segments are made of", width, height,
                         MOST_PIXELS);
    segments = xai__zalloc_array(context, 1, sizeof *segments);
    if (segments == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&segments->object, context);
    segments->width = (int32_t)width;
    segments->height = (int32_t)height;
    segments->labels = xai__alloc_array(context, width * height, sizeof *segments->labels);
    if (segments->labels == NULL) {
        xai_segments_unref(segments);
        return XAI_E_NO_MEMORY;
    }
    *out = segments;
    return XAI_OK;
}

/* --- labels without gaps --- */

/* Labels below their number of pixels: a place each, then places in ascending order. */
static xai_status close_gaps(xai_segments *segments)
{
    size_t n_pixels = (size_t)segments->width * (size_t)segments->height;
    int32_t *renamed = xai__zalloc_array(segments->object.context, n_pixels, sizeof *renamed);

    if (renamed == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n_pixels; i++)
        renamed[segments->labels[i]] = 1;
    segments->n = 0;
    for (size_t i = 0; i < n_pixels; i++)
        if (renamed[i] != 0)
            renamed[i] = (int32_t)segments->n++;
    for (size_t i = 0; i < n_pixels; i++)
        segments->labels[i] = renamed[segments->labels[i]];
    xai__free(segments->object.context, renamed);
    return XAI_OK;
}

/* Not a - b, which overflows. */
static int compare_labels(const void *user, uint32_t a, uint32_t b)
{
    const int32_t *labels = user;

    return (labels[a] > labels[b]) - (labels[a] < labels[b]);
}

/* Labels from outside may be any numbers, so that a table of them could be far larger than the picture. */
static xai_status take_labels(xai_segments *segments, const int32_t *labels)
{
    size_t n_pixels = (size_t)segments->width * (size_t)segments->height;
    uint32_t *order = xai__alloc_array(segments->object.context, n_pixels, sizeof *order);

    if (order == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n_pixels; i++)
        order[i] = (uint32_t)i;
    xai__sort(order, n_pixels, compare_labels, labels);
    for (size_t i = 0; i < n_pixels; i++) {
        if (i == 0 || labels[order[i]] != labels[order[i - 1]])
            segments->n++;
        segments->labels[order[i]] = (int32_t)segments->n - 1;
    }
    xai__free(segments->object.context, order);
    return XAI_OK;
}

xai_status xai_segments_wrap(xai_segments **out, xai_context *context, const int32_t *labels, int32_t width,
                             int32_t height)
{
    xai_segments *segments = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || context == NULL || labels == NULL)
        return xai__fail(XAI_E_INVALID, "out, context or labels is NULL");
    if (width <= 0 || height <= 0)
        return xai__fail(XAI_E_INVALID, "a map of %d x %d labels is empty", width, height);
    status = xai__image_check_size(context, width, height);
    for (size_t i = 0; i < (size_t)width * (size_t)height && status == XAI_OK; i++)
        if (labels[i] < 0)
            status = xai__fail(XAI_E_INVALID, "label %d of row %zu, column %zu is negative", labels[i],
                               i / (size_t)width, i % (size_t)width);
    if (status == XAI_OK)
        status = create(&segments, context, (size_t)width, (size_t)height);
    if (status == XAI_OK)
        status = take_labels(segments, labels);
    if (status < 0)
        xai_segments_unref(segments);
    else
        *out = segments;
    return status;
}

/* --- methods --- */

enum { QUICKSHIFT = 1, SLIC = 2, FELZENSZWALB = 4, GRID = 8 };

typedef struct maker {
    const char *name;
    uint32_t bit;
    xai_status (*make)(xai__segmentation *s);
} maker;

/* The first one is what NULL means. */
static const maker makers[] = {
    { "quickshift", QUICKSHIFT, xai__segment_quickshift },
    { "slic", SLIC, xai__segment_slic },
    { "felzenszwalb", FELZENSZWALB, xai__segment_felzenszwalb },
    { "grid", GRID, xai__segment_grid },
};

enum { N_MAKERS = sizeof makers / sizeof *makers };

static xai_status find_maker(const maker **out, const char *name)
{
    for (size_t i = 0; i < N_MAKERS; i++)
        if (name == NULL || strcmp(makers[i].name, name) == 0) {
            *out = &makers[i];
            return XAI_OK;
        }
    return xai__fail(XAI_E_NOT_FOUND,
                     "there is no segmentation '%.40s'; there are quickshift, slic, felzenszwalb, grid", name);
}

/* Numbers: where 0 stands for a default, who has them, and what they may be. */
static xai_status read_numbers(xai_segment_options *o, const maker *m)
{
    const struct {
        const char *name;
        double *value, standard, least;
        uint32_t makers;
    } rows[] = {
        { "kernel_size", &o->kernel_size, 4, 1, QUICKSHIFT },
        { "max_dist", &o->max_dist, 200, 0, QUICKSHIFT },
        { "ratio", &o->ratio, 0.2, 0, QUICKSHIFT },
        { "compactness", &o->compactness, 10, 0, SLIC },
        { "scale", &o->scale, 100, 0, FELZENSZWALB },
        { "sigma", &o->sigma, m->bit == FELZENSZWALB ? 0.8 : -1, -INFINITY, QUICKSHIFT | SLIC | FELZENSZWALB },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (*rows[i].value != 0 && (rows[i].makers & m->bit) == 0)
            return xai__fail(XAI_E_INVALID, "segmentation %s has no option %s", m->name, rows[i].name);
        if (!isfinite(*rows[i].value) || (*rows[i].value != 0 && *rows[i].value < rows[i].least))
            return xai__fail(XAI_E_INVALID, "%s is %g, it is at least %g", rows[i].name, *rows[i].value, rows[i].least);
        if (*rows[i].value == 0)
            *rows[i].value = rows[i].standard;
    }
    return XAI_OK;
}

static xai_status read_counts(xai_segment_options *o, const maker *m)
{
    const struct {
        const char *name;
        uint32_t *value, standard, makers;
    } rows[] = {
        { "n_segments", &o->n_segments, 100, SLIC },
        { "n_iterations", &o->n_iterations, 10, SLIC },
        { "min_size", &o->min_size, 50, FELZENSZWALB },
        { "n_rows", &o->n_rows, 8, GRID },
        { "n_columns", &o->n_columns, o->n_rows != 0 ? o->n_rows : 8, GRID },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (*rows[i].value != 0 && (rows[i].makers & m->bit) == 0)
            return xai__fail(XAI_E_INVALID, "segmentation %s has no option %s", m->name, rows[i].name);
        if (*rows[i].value == 0)
            *rows[i].value = rows[i].standard;
    }
    return XAI_OK;
}

/* 42 is scikit-image's, and so LIME's, whatever seed LIME is given. */
static xai_status read_flags(xai_segment_options *o, const maker *m)
{
    const uint32_t of_method = m->bit == QUICKSHIFT ? XAI_SEGMENT_SET_SEED
                               : m->bit == SLIC     ? XAI_SEGMENT_KEEP_FRAGMENTS
                                                    : 0;

    if ((o->flags & ~of_method) != 0)
        return xai__fail(XAI_E_INVALID, "segmentation %s has no flags %u", m->name, o->flags & ~of_method);
    if (o->seed != 0 && (o->flags & XAI_SEGMENT_SET_SEED) == 0)
        return xai__fail(XAI_E_INVALID, "seed is %llu without XAI_SEGMENT_SET_SEED", (unsigned long long)o->seed);
    if ((o->flags & XAI_SEGMENT_SET_SEED) == 0)
        o->seed = 42;
    return XAI_OK;
}

static xai_status read_options(xai__segmentation *s, const maker **m, const xai_segment_options *options)
{
    xai_status status = XAI__OPTIONS_READ(&s->options, options);

    if (status == XAI_OK)
        status = find_maker(m, s->options.method);
    if (status == XAI_OK)
        status = read_numbers(&s->options, *m);
    if (status == XAI_OK)
        status = read_counts(&s->options, *m);
    if (status == XAI_OK)
        status = read_flags(&s->options, *m);
    return status;
}

/* Sides that do not divide evenly differ by one pixel. */
xai_status xai__segment_grid(xai__segmentation *s)
{
    size_t rows = s->options.n_rows, columns = s->options.n_columns;

    if (rows > s->height || columns > s->width)
        return xai__fail(XAI_E_INVALID, "a picture of %zu x %zu pixels has no %zu x %zu rectangles", s->height,
                         s->width, rows, columns);
    for (size_t i = 0; i < s->n_pixels; i++)
        s->labels[i] = (int32_t)(i / s->width * rows / s->height * columns + i % s->width * columns / s->width);
    return XAI_OK;
}

/* Planes, not pixels, so that loops over one channel run along memory. */
static xai_status create_planes(xai__segmentation *s)
{
    size_t size;

    if (!xai__mul_size(&size, s->n_pixels, XAI__SEGMENT_CHANNELS))
        return xai__fail_memory();
    s->planes[0] = xai__alloc_array(s->context, size, sizeof(double));
    for (size_t c = 1; c < XAI__SEGMENT_CHANNELS && s->planes[0] != NULL; c++)
        s->planes[c] = s->planes[0] + c * s->n_pixels;
    return s->planes[0] != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

xai_status xai_segments_create(xai_segments **out, const xai_image *image, const xai_segment_options *options)
{
    xai__segmentation s = { .image = image };
    xai_segments *segments = NULL;
    const maker *m = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || image == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "image");
    s.context = image->object.context;
    s.width = (size_t)image->width;
    s.height = (size_t)image->height;
    s.n_pixels = s.width * s.height;
    status = read_options(&s, &m, options);
    if (status == XAI_OK)
        status = create(&segments, s.context, s.width, s.height);
    if (status == XAI_OK)
        status = create_planes(&s);
    if (status == XAI_OK) {
        s.labels = segments->labels;
        status = m->make(&s);
    }
    if (status == XAI_OK)
        status = close_gaps(segments);
    xai__free(s.context, s.planes[0]);
    if (status < 0)
        xai_segments_unref(segments);
    else
        *out = segments;
    return status;
}
