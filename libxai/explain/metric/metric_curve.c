/* SPDX-License-Identifier: MIT
 * Deletion and insertion: the score while pixels go, or come, in the order of the map. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/metric/metric_faithfulness.h"
#include "explain/ranking.h"

/* Steps of the originals; RISE has 224 of 224 pixels for its pictures of that size. */
enum { RISE_STEPS = 224, TORCHCAM_STEPS = 20, XPLIQUE_STEPS = 10 };

/* --- the order --- */

/* Mean of the channels, in place. */
static void average_channels(xai__faithfulness *f)
{
    for (size_t i = 0; i < f->n_pixels; i++) {
        double sum = 0;

        for (size_t c = 0; c < f->n_channels; c++)
            sum += f->values[c * f->n_pixels + i];
        f->values[i] = sum / (double)f->n_channels;
    }
    f->n_values = f->n_pixels;
}

/* Single elements go where each has a value of its own, or, with Quantus, a pixel's channels one after the other. */
static void place(xai__faithfulness *f, const uint32_t *order)
{
    bool splits = f->profile == XAI__METRIC_QUANTUS && f->n_values == f->n_pixels;
    size_t n_parts = splits ? f->n_channels : 1;

    for (size_t i = 0; i < f->n_values; i++)
        for (size_t c = 0; c < n_parts; c++)
            f->position[order[i] + c * f->n_pixels] = (uint32_t)(i * n_parts + c);
}

/* RISE and xplique turn an ascending order around: equal elements come last one first, like those of a map that is read
 * backwards. */
static void reverse(uint32_t *order, const double *values, size_t n)
{
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && values[order[end]] == values[order[first]];)
            end++;
        for (size_t low = first, high = end - 1; low < high; low++, high--) {
            uint32_t swap = order[low];

            order[low] = order[high];
            order[high] = swap;
        }
    }
}

xai_status xai__faithfulness_rank(xai__faithfulness *f)
{
    uint32_t *order;

    if (f->n_values > f->n_pixels && f->profile != XAI__METRIC_QUANTUS)
        average_channels(f);
    order = xai__ranking_descending(f->context, f->values, f->n_values);
    if (order == NULL)
        return XAI_E_NO_MEMORY;
    if (f->profile == XAI__METRIC_RISE || f->profile == XAI__METRIC_XPLIQUE)
        reverse(order, f->values, f->n_values);
    f->n_ranked = f->profile == XAI__METRIC_QUANTUS ? f->n_elements : f->n_pixels;
    f->position = xai__alloc_array(f->context, f->n_ranked, sizeof *f->position);
    if (f->position != NULL)
        place(f, order);
    xai__free(f->context, order);
    return f->position != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- the steps --- */

static size_t divide_up(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

/* The profile's number of steps gives way to the caller's, the rest of its conventions stays. */
xai_status xai__faithfulness_choose_steps(xai__faithfulness *f, size_t n_default)
{
    const xai_faithfulness_options *o = &f->options;
    size_t n = f->n_ranked, n_steps = f->profile == XAI__METRIC_TORCHCAM  ? TORCHCAM_STEPS
                                      : f->profile == XAI__METRIC_XPLIQUE ? XPLIQUE_STEPS
                                      : f->profile == XAI__METRIC_QUANTUS ? n
                                      : n_default != 0                    ? n_default
                                                                          : RISE_STEPS;

    if (o->step > n || o->n_steps > n)
        return xai__fail(XAI_E_INVALID, "%s is %u, only %zu can go", o->step != 0 ? "step" : "n_steps",
                         o->step != 0 ? o->step : o->n_steps, n);
    n_steps = o->n_steps != 0 ? o->n_steps : n_steps < n ? n_steps : n;
    f->step = o->step != 0 ? o->step : divide_up(n, n_steps);
    f->n_steps = divide_up(n, f->step);
    if (f->profile == XAI__METRIC_XPLIQUE && o->step == 0)
        f->n_steps = n_steps < n ? n_steps : n;
    return XAI_OK;
}

/* How many are gone at a point. xplique spaces its points evenly and rounds down, as numpy's linspace does. Quantus
 * looks for the first time when the first step is done. */
static size_t count_at(const xai__faithfulness *f, size_t point)
{
    size_t n = f->n_ranked, steps = f->profile == XAI__METRIC_QUANTUS ? point + 1 : point;

    if (f->profile == XAI__METRIC_XPLIQUE && f->options.step == 0)
        return steps == f->n_steps ? n : (size_t)((double)steps * ((double)n / (double)f->n_steps));
    return steps < f->n_steps ? steps * f->step : n;
}

/* --- images --- */

/* Elements whose turn has come are taken from one image, the others from the other one. */
static void mix(const xai__faithfulness *f, size_t n_gone, float *image, const float *gone, const float *left)
{
    for (size_t i = 0; i < f->n_elements; i++) {
        size_t at = f->n_ranked == f->n_elements ? i : i % f->n_pixels;

        image[i] = f->position[at] < n_gone ? gone[i] : left[i];
    }
}

static void make_deleted(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;

    mix(f, count_at(f, (size_t)index), image, f->substrate, f->input);
}

static void make_inserted(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;

    mix(f, count_at(f, (size_t)index), image, f->input, f->substrate);
}

/* --- the curve --- */

/* By trapezoids. The default and torchcam take the steps' true widths, RISE and xplique equal ones although the last
 * may be narrower, Quantus widths of 1. */
static double area_under(const xai__faithfulness *f, const float *shares)
{
    bool is_true = f->profile == XAI__METRIC_DEFAULT || f->profile == XAI__METRIC_TORCHCAM;
    double area = 0, width = 0;

    if (f->n_done < 2)
        return f->n_done == 1 ? f->scores[0] : 0;
    for (size_t i = 0; i + 1 < f->n_done; i++) {
        double step = is_true ? (double)shares[i + 1] - (double)shares[i] : 1;

        area += step * (f->scores[i] + f->scores[i + 1]) / 2;
        width += step;
    }
    return f->profile == XAI__METRIC_QUANTUS ? area : area / width;
}

static double share_at(const xai__faithfulness *f, size_t index)
{
    return (double)count_at(f, index) / (double)f->n_ranked;
}

static xai_status finish(double *out, xai_tensor **curve, const xai__faithfulness *f)
{
    xai_status status = xai__faithfulness_curve(curve, f, share_at);

    if (status == XAI_OK)
        *out = area_under(f, (*curve)->data);
    return status;
}

static xai_status follow(double *out, xai_tensor **curve, xai__faithfulness *f, const char *substrate,
                         void (*make)(void *user, uint64_t index, float *image, void *note))
{
    xai_status status = xai__faithfulness_rank(f), remark;

    if (status == XAI_OK)
        status = xai__faithfulness_choose_steps(f, 0);
    if (status == XAI_OK)
        status = xai__faithfulness_fill_substrate(f, substrate);
    if (status < 0)
        return status;
    remark = xai__faithfulness_run(f, f->n_steps + (f->profile == XAI__METRIC_QUANTUS ? 0 : 1), make);
    status = remark < 0 ? remark : finish(out, curve, f);
    return status < 0 ? status : remark;
}

xai_status xai__faithfulness_deletion(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    return follow(out, curve, f, f->profile == XAI__METRIC_QUANTUS ? "min" : "zero", make_deleted);
}

xai_status xai__faithfulness_insertion(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    bool blurs = f->profile == XAI__METRIC_DEFAULT || f->profile == XAI__METRIC_RISE;

    return follow(out, curve, f, blurs ? "blur" : "zero", make_inserted);
}
