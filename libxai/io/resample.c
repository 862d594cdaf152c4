/* SPDX-License-Identifier: MIT
 * Resizing pictures to the bit as Pillow does: two passes of fixed-point sums, rounded to 8 bits after each.
 *
 * New sample i has its centre at (i + 0.5) in / out of the old line, and is the mean of the old samples around,
 * weighted by a filter. Where the line gets shorter the filter is stretched by in / out, so that every old sample has
 * its share: that is what keeps small pictures from flickering, and what cv2 and torch's interpolate() leave out by
 * default. The weights of a line are worked out once, in double precision, and rounded to integers, after which nothing
 * is left that could depend on the machine. */
#include "io/resample.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/memory.h"
#include "io/resample_taps.h"

typedef struct filter_kind {
    double (*weight)(double x);
    double reach; /* the weight is 0 further from the centre */
} filter_kind;

/* Linear interpolation, as a filter. */
static double triangle(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

/* Keys' cubic (1981) with a = -0.5, in Pillow's order of operations. Its lobes are negative between 1 and 2. */
static double cubic(double x)
{
    const double a = -0.5;

    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static const filter_kind kinds[] = {
    [XAI_FILTER_BILINEAR] = { triangle, 1 },
    [XAI_FILTER_BICUBIC] = { cubic, 2 },
};

static void free_taps(xai__taps *taps, xai_context *context)
{
    xai__free(context, taps->first);
    xai__free(context, taps->count);
    xai__free(context, taps->weight);
    xai__free(context, taps->halves);
}

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* One new sample, number at of the taps. Its weights sum to 1 before they are rounded, so that a flat picture stays as
 * it is. Conversions to int cut off towards zero and the 0.5 before them rounds, as in Pillow: the last bit of a
 * weight, and so of a pixel, depends on it. scratch has room for n_taps. */
static void set_weights(xai__taps *taps, int32_t at, double *scratch, double center, double shrink, int32_t in_size,
                        const filter_kind *kind)
{
    double reach = kind->reach * shrink, narrow = 1 / shrink, sum = 0;
    int32_t first = clamp((int32_t)(center - reach + 0.5), 0, in_size);
    int32_t count = clamp((int32_t)(center + reach + 0.5), 0, in_size) - first;
    int32_t *weight = taps->weight + (size_t)at * (size_t)taps->n_taps;

    for (int32_t i = 0; i < count; i++) {
        scratch[i] = kind->weight((i + first - center + 0.5) * narrow);
        sum += scratch[i];
    }
    for (int32_t i = 0; i < count; i++) {
        double share = sum != 0 ? scratch[i] / sum : scratch[i];

        weight[i] = (int32_t)(share * (1 << XAI__WEIGHT_BITS) + (share < 0 ? -0.5 : 0.5));
    }
    taps->first[at] = first;
    taps->count[at] = count;
}

/* Taps of the new samples from to from + n of a line that goes from in_size to out_size samples. */
static xai_status make_taps(xai__taps *taps, xai_context *context, int32_t in_size, int32_t out_size, int32_t from,
                            int32_t n, const filter_kind *kind)
{
    double scale = (double)in_size / out_size, shrink = scale > 1 ? scale : 1;
    int64_t n_taps = 2 * (int64_t)ceil(kind->reach * shrink) + 1;
    double *scratch;

    /* Whole groups for the vector loop; the weights behind a sample's last are 0. */
    n_taps = (n_taps + XAI__TAP_GROUP - 1) / XAI__TAP_GROUP * XAI__TAP_GROUP;
    if (n_taps > INT32_MAX) {
        xai__fail_memory();
        return XAI_E_NO_MEMORY;
    }
    taps->n = n;
    taps->n_taps = (int32_t)n_taps;
    taps->first = xai__alloc_array(context, (size_t)n, sizeof *taps->first);
    taps->count = xai__alloc_array(context, (size_t)n, sizeof *taps->count);
    taps->weight = xai__zalloc_array(context, (size_t)n * (size_t)n_taps, sizeof *taps->weight);
    scratch = xai__alloc_array(context, (size_t)n_taps, sizeof *scratch);
    if (scratch == NULL || taps->first == NULL || taps->count == NULL || taps->weight == NULL) {
        xai__free(context, scratch);
        return XAI_E_NO_MEMORY;
    }
    for (int32_t i = 0; i < n; i++)
        set_weights(taps, i, scratch, (from + i + 0.5) * scale, shrink, in_size, kind);
    xai__free(context, scratch);
    return XAI_OK;
}

/* Everything of one resize. */
typedef struct resize_job {
    xai_context *context;
    const xai_image *in;
    xai__crop window;
    xai__taps along, across; /* the columns, the rows */
    uint8_t *middle;         /* what the first pass made */
    bool avx2;
} resize_job;

static size_t stride(int32_t width)
{
    return 3 * (size_t)width;
}

/* Old samples from the first new sample's first to the last one's last: what the other pass has to provide. Both ends
 * only grow along the line, so the first and the last tell. */
static size_t span(const xai__taps *taps)
{
    int32_t last = taps->n - 1;

    return (size_t)(taps->first[last] + taps->count[last] - taps->first[0]);
}

/* For the AVX2 loop alone; without halves the plain one runs. */
static xai_status make_halves(xai__taps *taps, xai_context *context)
{
    taps->halves = xai__alloc_array(context, 2 * (size_t)taps->n * (size_t)taps->n_taps, sizeof *taps->halves);
    if (taps->halves == NULL)
        return XAI_E_NO_MEMORY;
    xai__taps_split(taps);
    return XAI_OK;
}

/* With slack, since the second pass may read past the last pixel. */
static xai_status make_middle(resize_job *job, size_t n_rows, size_t row_size)
{
    job->middle = xai__alloc(job->context, n_rows * row_size + XAI__IMAGE_SLACK);
    return job->middle != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

static void resize_along(const resize_job *job, uint8_t *out, const uint8_t *in, size_t in_stride, size_t n_rows)
{
    xai__taps_along(out, stride(job->window.width), in, in_stride, n_rows, &job->along);
}

/* n samples of each row; in begins with the first row that the first new row uses. */
static void resize_across(const resize_job *job, uint8_t *out, const uint8_t *in, size_t in_stride, size_t n)
{
    const xai__taps *taps = &job->across;

    for (int32_t y = 0; y < taps->n; y++)
        xai__taps_across(out + (size_t)y * n, in + (size_t)(taps->first[y] - taps->first[0]) * in_stride, in_stride, n,
                         taps, y, job->avx2);
}

static xai_status along_then_across(resize_job *job, uint8_t *out)
{
    size_t in_stride = stride(job->in->width), row_size = stride(job->window.width), n_rows = span(&job->across);
    xai_status status = make_middle(job, n_rows, row_size);

    if (status < 0)
        return status;
    resize_along(job, job->middle, job->in->pixels + (size_t)job->across.first[0] * in_stride, in_stride, n_rows);
    resize_across(job, out, job->middle, row_size, row_size);
    return XAI_OK;
}

/* The middle holds only the columns that the window needs, and the taps along the rows count from the first of those.
 */
static xai_status across_then_along(resize_job *job, uint8_t *out)
{
    size_t in_stride = stride(job->in->width), row_size = 3 * span(&job->along);
    size_t first_row = (size_t)job->across.first[0], first_column = (size_t)job->along.first[0];
    xai_status status = make_middle(job, (size_t)job->window.height, row_size);

    if (status < 0)
        return status;
    resize_across(job, job->middle, job->in->pixels + first_row * in_stride + 3 * first_column, in_stride, row_size);
    /* The middle begins with the first column that is used. */
    for (int32_t x = 0; x < job->along.n; x++)
        job->along.first[x] -= (int32_t)first_column;
    resize_along(job, out, job->middle, row_size, (size_t)job->window.height);
    return XAI_OK;
}

/* The order matters, since the first pass is rounded to 8 bits. Pillow goes along the rows first, but since version 13
 * across them where the height loses more than twice the pixels that the width does; and it leaves out a pass that
 * changes nothing. Only what the second pass reads is computed. */
static xai_status resize_filtered(resize_job *job, uint8_t *out, int32_t width, int32_t height)
{
    const xai_image *in = job->in;
    int64_t lost_width = (int64_t)in->width - width, lost_height = (int64_t)in->height - height;
    size_t in_stride = stride(in->width);
    const uint8_t *first_row = in->pixels + (size_t)job->across.first[0] * in_stride;

    if (lost_height == 0)
        resize_along(job, out, in->pixels + (size_t)job->window.y * in_stride, in_stride, (size_t)job->window.height);
    else if (lost_width == 0)
        resize_across(job, out, first_row + 3 * (size_t)job->window.x, in_stride, stride(job->window.width));
    else if (lost_height > 0 && lost_height > 2 * lost_width)
        return across_then_along(job, out);
    else
        return along_then_across(job, out);
    return XAI_OK;
}

static xai_status resize(xai_image *out, const xai_image *in, int32_t width, int32_t height, const xai__crop *window,
                         const filter_kind *kind)
{
    xai_context *context = in->object.context;
    resize_job job = { .context = context, .in = in, .window = *window };
    xai_status status;

    job.avx2 = (context->cpu_features & XAI__CPU_AVX2) != 0;
    status = make_taps(&job.along, context, in->width, width, window->x, window->width, kind);
    if (status == XAI_OK)
        status = make_taps(&job.across, context, in->height, height, window->y, window->height, kind);
    if (status == XAI_OK && job.avx2)
        status = make_halves(&job.along, context);
    if (status == XAI_OK)
        status = resize_filtered(&job, out->pixels, width, height);
    xai__free(context, job.middle);
    free_taps(&job.along, context);
    free_taps(&job.across, context);
    return status;
}

/* A resize to the same size changes nothing, with any filter. */
static void copy_window(xai_image *out, const xai_image *in, const xai__crop *window)
{
    size_t row = 3 * (size_t)window->width;

    for (size_t y = 0; y < (size_t)window->height; y++)
        memcpy(out->pixels + y * row,
               in->pixels + 3 * (((size_t)window->y + y) * (size_t)in->width + (size_t)window->x), row);
}

/* Pillow adds the step up from sample to sample, so its rounding errors add up too: they are part of the result. */
static double start_at(double step, int32_t n)
{
    double at = step * 0.5;

    for (int32_t i = 0; i < n; i++)
        at += step;
    return at;
}

/* The clamps are for the same rounding errors: the last position may come out as the width itself. */
static void resize_nearest(xai_image *out, const xai_image *in, int32_t width, int32_t height, const xai__crop *window)
{
    double step_x = (double)in->width / width, step_y = (double)in->height / height;
    double start_x = start_at(step_x, window->x), y_at = start_at(step_y, window->y);
    uint8_t *to = out->pixels;

    for (int32_t y = 0; y < window->height; y++, y_at += step_y) {
        const uint8_t *row = in->pixels + 3 * (size_t)clamp((int32_t)y_at, 0, in->height - 1) * (size_t)in->width;
        double x_at = start_x;

        for (int32_t x = 0; x < window->width; x++, x_at += step_x, to += 3)
            memcpy(to, row + 3 * (size_t)clamp((int32_t)x_at, 0, in->width - 1), 3);
    }
}

xai_status xai__resample_rgb(xai_image **out, const xai_image *in, int32_t width, int32_t height,
                             const xai__crop *window, uint32_t filter)
{
    xai_status status = xai__image_check_size(in->object.context, width, height);

    *out = NULL;
    if (status == XAI_OK && filter > XAI_FILTER_NEAREST)
        status = xai__fail(XAI_E_INVALID, "filter %u is not one of enum xai_filter", filter);
    if (status == XAI_OK)
        status = xai__image_create(out, in->object.context, window->width, window->height);
    if (*out == NULL)
        return status;
    if (width == in->width && height == in->height)
        copy_window(*out, in, window);
    else if (filter == XAI_FILTER_NEAREST)
        resize_nearest(*out, in, width, height, window);
    else
        status = resize(*out, in, width, height, window, &kinds[filter]);
    if (status < 0) {
        xai_image_unref(*out);
        *out = NULL;
    }
    return status;
}

xai_status xai_image_resize(xai_image **out, const xai_image *image, int32_t width, int32_t height, uint32_t filter)
{
    xai__crop all = { 0, 0, width, height };

    XAI__ENTER(out);
    if (out == NULL || image == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "image");
    return xai__resample_rgb(out, image, width, height, &all, filter);
}

void xai__resize_shorter(int64_t *out_width, int64_t *out_height, int32_t width, int32_t height, int32_t shorter)
{
    if (width <= height) {
        *out_width = shorter;
        *out_height = (int64_t)shorter * height / width;
    } else {
        *out_width = (int64_t)shorter * width / height;
        *out_height = shorter;
    }
}

/* Half of the rest, halves rounded to even as Python's round() does: torchvision crops at int(round(rest / 2)). */
static int32_t center_offset(int64_t size, int32_t crop)
{
    int64_t rest = size - crop, half = rest / 2;

    return (int32_t)(rest % 2 != 0 && half % 2 != 0 ? half + 1 : half);
}

xai_status xai__image_resize_crop(xai_image **out, const xai_image *image, int32_t resize_to, int32_t crop_height,
                                  int32_t crop_width, uint32_t filter)
{
    int64_t width = image->width, height = image->height;
    xai__crop window = { 0, 0, crop_width, crop_height };
    xai_status status;

    *out = NULL;
    if (resize_to < 0 || crop_height < 1 || crop_width < 1)
        return xai__fail(XAI_E_INVALID, "cannot resize to %d and crop to %dx%d", resize_to, crop_width, crop_height);
    if (resize_to > 0)
        xai__resize_shorter(&width, &height, image->width, image->height, resize_to);
    status = xai__image_check_size(image->object.context, width, height);
    if (status < 0)
        return status;
    if (width < crop_width || height < crop_height)
        return xai__fail(XAI_E_SHAPE, "the picture has %lldx%lld pixels when it is to be cropped to %dx%d",
                         (long long)width, (long long)height, crop_width, crop_height);
    window.x = center_offset(width, crop_width);
    window.y = center_offset(height, crop_height);
    return xai__resample_rgb(out, image, (int32_t)width, (int32_t)height, &window, filter);
}
