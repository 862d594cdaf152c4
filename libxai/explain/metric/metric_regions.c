/* SPDX-License-Identifier: MIT
 * Selectivity, region perturbation and IROF: the score while whole regions go, squares or segments, the most important
 * first. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/metric/metric_faithfulness.h"
#include "explain/ranking.h"
#include "explain/segment/segment.h"
#include "io/image.h"

/* Of the originals: squares of 8 x 8, and Samek's and Quantus' 100 of them for region perturbation. */
enum { DEFAULT_PATCH = 8, DEFAULT_REGIONS = 100 };

/* Regions in their order. */
typedef struct regions {
    uint32_t *label;    /* of each pixel */
    size_t n;           /* regions */
    uint32_t *position; /* of each region, in the order in which they go */
    float *fill;        /* Quantus' IROF: what the region at each position becomes; NULL: the substrate */
} regions;

static void release(regions *r, xai_context *context)
{
    xai__free(context, r->label);
    xai__free(context, r->position);
    xai__free(context, r->fill);
}

/* --- squares --- */

/* Where squares do not come out even, the first and the last are cut as if the image were padded to both sides, half of
 * it, rounded down, before. */
static size_t pad_before(size_t size, size_t patch)
{
    return size % patch == 0 ? 0 : (patch - size % patch) / 2;
}

static xai_status cut_squares(regions *r, const xai__faithfulness *f)
{
    size_t height = (size_t)f->scorer.input->shape[2], width = (size_t)f->scorer.input->shape[3],
           patch = f->options.patch != 0 ? f->options.patch : DEFAULT_PATCH, columns = (width + patch - 1) / patch,
           top = pad_before(height, patch), left = pad_before(width, patch);

    if (patch > height || patch > width)
        return xai__fail(XAI_E_INVALID, "patch is %zu, the image %zux%zu", patch, height, width);
    r->n = (height + patch - 1) / patch * columns;
    r->label = xai__alloc_array(f->context, f->n_pixels, sizeof *r->label);
    if (r->label == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < f->n_pixels; i++)
        r->label[i] = (uint32_t)((i / width + top) / patch * columns + (i % width + left) / patch);
    return XAI_OK;
}

/* --- segments --- */

/* The input as a picture, its range stretched over the bytes; one channel is shown as grey, of more the first three. */
static xai_status draw_input(xai_image **out, const xai__faithfulness *f)
{
    xai_status status = xai_image_create(out, f->context, NULL, (int32_t)f->scorer.input->shape[3],
                                         (int32_t)f->scorer.input->shape[2]);
    float low, high;

    xai__faithfulness_range(&low, &high, f);
    for (size_t i = 0; i < f->n_pixels && status == XAI_OK; i++)
        for (size_t c = 0; c < 3; c++) {
            size_t channel = c < f->n_channels ? c : f->n_channels - 1;
            float value = f->input[channel * f->n_pixels + i];

            (*out)->pixels[3 * i + c] = high > low ? (uint8_t)lrintf((value - low) / (high - low) * 255) : 0;
        }
    return status;
}

static xai_status make_segments(xai_segments **out, const xai__faithfulness *f)
{
    const xai_segment_options options = { .struct_size = sizeof options, .method = "slic" };
    xai_image *image = NULL;
    xai_status status = draw_input(&image, f);

    if (status == XAI_OK)
        status = xai_segments_create(out, image, &options);
    xai_image_unref(image);
    return status;
}

static xai_status cut_segments(regions *r, const xai__faithfulness *f)
{
    const xai_segments *given = f->options.segments;
    int64_t height = f->scorer.input->shape[2], width = f->scorer.input->shape[3];
    xai_segments *made = NULL;
    xai_status status = XAI_OK;

    if (given != NULL && (given->height != height || given->width != width))
        return xai__fail(XAI_E_SHAPE, "the segments are %dx%d, the image %lldx%lld", (int)given->height,
                         (int)given->width, (long long)height, (long long)width);
    if (given == NULL)
        status = make_segments(&made, f);
    r->label = status == XAI_OK ? xai__alloc_array(f->context, f->n_pixels, sizeof *r->label) : NULL;
    if (r->label != NULL) {
        const xai_segments *segments = given != NULL ? given : made;

        r->n = segments->n;
        for (size_t i = 0; i < f->n_pixels; i++)
            r->label[i] = (uint32_t)segments->labels[i];
    }
    xai_segments_unref(made);
    return r->label != NULL ? XAI_OK : status < 0 ? status : XAI_E_NO_MEMORY;
}

/* --- their order --- */

/* By the sum of the map in each, or by the mean. */
static xai_status rank(regions *r, const xai__faithfulness *f, bool is_mean)
{
    double *sums = xai__zalloc_array(f->context, r->n, 2 * sizeof *sums);
    double *counts = sums != NULL ? sums + r->n : NULL;
    uint32_t *order = NULL;

    r->position = sums != NULL ? xai__alloc_array(f->context, r->n, sizeof *r->position) : NULL;
    for (size_t i = 0; i < f->n_values && r->position != NULL; i++) {
        sums[r->label[i % f->n_pixels]] += f->values[i];
        counts[r->label[i % f->n_pixels]]++;
    }
    for (size_t i = 0; i < r->n && is_mean && r->position != NULL; i++)
        sums[i] /= counts[i];
    if (r->position != NULL)
        order = xai__ranking_descending(f->context, sums, r->n);
    for (size_t i = 0; i < r->n && order != NULL; i++)
        r->position[order[i]] = (uint32_t)i;
    xai__free(f->context, order);
    xai__free(f->context, sums);
    return order != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* Each region becomes the mean of what the image has become before it goes, single precision as in the original. */
static xai_status fill_with_means(regions *r, const xai__faithfulness *f)
{
    double *sums = xai__zalloc_array(f->context, r->n, 2 * sizeof *sums);
    double *counts = sums != NULL ? sums + r->n : NULL, sum = 0;

    r->fill = sums != NULL ? xai__alloc_array(f->context, r->n, sizeof *r->fill) : NULL;
    for (size_t i = 0; i < f->n_elements && r->fill != NULL; i++) {
        sums[r->position[r->label[i % f->n_pixels]]] += (double)f->input[i];
        counts[r->position[r->label[i % f->n_pixels]]]++;
        sum += (double)f->input[i];
    }
    for (size_t i = 0; i < r->n && r->fill != NULL; i++) {
        r->fill[i] = (float)(sum / (double)f->n_elements);
        sum += counts[i] * (double)r->fill[i] - sums[i];
    }
    xai__free(f->context, sums);
    return r->fill != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- images --- */

/* Image number index is without the first index regions; Quantus leaves out the whole one. */
static void make_without(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;
    const regions *r = f->own;
    uint64_t n_gone = index + (f->profile == XAI__METRIC_QUANTUS);

    for (size_t i = 0; i < f->n_elements; i++) {
        uint32_t at = r->position[r->label[i % f->n_pixels]];

        image[i] = at >= n_gone ? f->input[i] : r->fill != NULL ? r->fill[at] : f->substrate[i];
    }
}

/* --- metrics --- */

static double share_gone(const xai__faithfulness *f, size_t index)
{
    return (double)(index + (f->profile == XAI__METRIC_QUANTUS)) / (double)((const regions *)f->own)->n;
}

/* By trapezoids of width 1. */
static double area_of(const xai__faithfulness *f)
{
    double area = 0;

    for (size_t i = 0; i + 1 < f->n_done; i++)
        area += (f->scores[i] + f->scores[i + 1]) / 2;
    return area;
}

/* Of `wanted` regions, all where that is 0. */
static xai_status follow(xai_tensor **curve, xai__faithfulness *f, regions *r, size_t wanted)
{
    xai_status status, remark;

    if (f->options.n_steps > r->n)
        return xai__fail(XAI_E_INVALID, "n_steps is %u, there are %zu regions", f->options.n_steps, r->n);
    if (f->options.n_steps != 0)
        wanted = f->options.n_steps;
    if (wanted == 0 || wanted > r->n)
        wanted = r->n;
    f->own = r;
    remark = xai__faithfulness_run(f, wanted + (f->profile != XAI__METRIC_QUANTUS), make_without);
    status = remark < 0 ? remark : xai__faithfulness_curve(curve, f, share_gone);
    f->own = NULL;
    return status < 0 ? status : remark;
}

static xai_status remove_squares(xai_tensor **curve, xai__faithfulness *f, size_t wanted)
{
    regions r = { 0 };
    xai_status status = cut_squares(&r, f);

    if (status == XAI_OK)
        status = rank(&r, f, false);
    if (status == XAI_OK)
        status = xai__faithfulness_fill_substrate(f, f->profile == XAI__METRIC_QUANTUS ? "min" : "zero");
    if (status == XAI_OK)
        status = follow(curve, f, &r, wanted);
    release(&r, f->context);
    return status;
}

xai_status xai__faithfulness_selectivity(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    xai_status status = remove_squares(curve, f, 0);

    if (status >= 0 && f->profile == XAI__METRIC_QUANTUS)
        *out = area_of(f);
    else if (status >= 0)
        *out = f->n_done > 1 ? area_of(f) / (double)(f->n_done - 1) : f->scorer.plain_scores[0];
    return status;
}

/* The default is the paper's, a mean of what was lost that begins with the whole image; Quantus' an area without it. */
xai_status xai__faithfulness_region_perturbation(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    xai_status status = remove_squares(curve, f, DEFAULT_REGIONS);
    double sum = 0;

    if (status < 0)
        return status;
    for (size_t i = 0; i < f->n_done; i++)
        sum += f->scorer.plain_scores[0] - f->scores[i];
    if (f->profile != XAI__METRIC_QUANTUS)
        *out = f->n_done > 0 ? sum / (double)f->n_done : 0;
    else
        *out = f->n_done > 1 ? (double)(f->n_done - 1) * f->scorer.plain_scores[0] - area_of(f) : 0;
    return status;
}

/* Area over the curve of the score as a share of the first one: a share of what can be lost, or in regions. */
xai_status xai__faithfulness_irof(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    bool is_quantus = f->profile == XAI__METRIC_QUANTUS;
    regions r = { 0 };
    xai_status status = cut_segments(&r, f);

    if (status == XAI_OK)
        status = rank(&r, f, true);
    if (status == XAI_OK && is_quantus && f->options.substrate == NULL && f->options.baseline == NULL)
        status = fill_with_means(&r, f);
    else if (status == XAI_OK)
        status = xai__faithfulness_fill_substrate(f, "mean");
    if (status == XAI_OK)
        status = follow(curve, f, &r, 0);
    if (status >= 0 && f->scorer.plain_scores[0] != 0) {
        double area = area_of(f) / f->scorer.plain_scores[0];

        *out = is_quantus ? (double)f->n_done - area : f->n_done > 1 ? 1 - area / (double)(f->n_done - 1) : 0;
    }
    release(&r, f->context);
    return status;
}
