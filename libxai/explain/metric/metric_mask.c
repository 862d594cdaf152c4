/* SPDX-License-Identifier: MIT
 * What the score becomes if the input is multiplied by the map: drop, increase, gain. */
#include <math.h>

#include "explain/metric/metric_faithfulness.h"

/* What torchcam and xplique add against divisions by zero. */
static const double TORCHCAM_EPSILON = 1e-7, XPLIQUE_EPSILON = 1e-8;

/* --- the mask --- */

/* Mean magnitude of the channels, from 0 to 1. */
static void read_as_xplique(xai__faithfulness *f)
{
    size_t n_channels = f->n_values / f->n_pixels;
    double low = INFINITY, high = 0;

    for (size_t i = 0; i < f->n_pixels; i++) {
        double sum = 0;

        for (size_t c = 0; c < n_channels; c++)
            sum += fabs(f->values[c * f->n_pixels + i]);
        f->values[i] = sum / (double)n_channels;
        low = f->values[i] < low ? f->values[i] : low;
        high = f->values[i] > high ? f->values[i] : high;
    }
    for (size_t i = 0; i < f->n_pixels; i++)
        f->values[i] = (f->values[i] - low) / (high - low + XPLIQUE_EPSILON);
}

/* What speaks for the class, from 0 to 1. */
static void read_positive(xai__faithfulness *f)
{
    double high = 0;

    for (size_t i = 0; i < f->n_pixels; i++)
        high = f->values[i] > high ? f->values[i] : high;
    for (size_t i = 0; i < f->n_pixels; i++)
        f->values[i] = f->values[i] > 0 ? f->values[i] / high : 0;
}

static void make_masked(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;

    for (size_t i = 0; i < f->n_elements; i++)
        image[i] = f->input[i] * (float)f->values[i % f->n_pixels];
}

/* Scores of the input and of the masked input. torchcam and pytorch-grad-cam take the map as it is: theirs come from 0
 * to 1 already. */
static xai_status look(double *before, double *after, xai__faithfulness *f)
{
    xai_status status;

    if (f->profile == XAI__METRIC_XPLIQUE)
        read_as_xplique(f);
    else if (f->profile == XAI__METRIC_DEFAULT)
        read_positive(f);
    status = xai__faithfulness_run(f, 1, make_masked);
    *before = f->scorer.plain_scores[0];
    *after = status >= 0 ? f->scores[0] : 0;
    return status;
}

/* --- metrics --- */

static double positive(double x)
{
    return x > 0 ? x : 0;
}

/* A score of 0 has nothing to lose. */
xai_status xai__faithfulness_drop(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    double before, after;
    xai_status status = look(&before, &after, f);

    if (f->profile == XAI__METRIC_PYTORCH_GRAD_CAM)
        *out = positive(before - after);
    else if (f->profile == XAI__METRIC_DEFAULT)
        *out = before != 0 ? positive(before - after) / before : 0;
    else
        *out = positive(before - after) /
               (before + (f->profile == XAI__METRIC_TORCHCAM ? TORCHCAM_EPSILON : XPLIQUE_EPSILON));
    return status;
}

xai_status xai__faithfulness_increase(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    double before, after;
    xai_status status = look(&before, &after, f);

    *out = after > before;
    return status;
}

xai_status xai__faithfulness_gain(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    double before, after;
    xai_status status = look(&before, &after, f);

    *out = positive(after - before) / (1 - before + XPLIQUE_EPSILON);
    return status;
}
