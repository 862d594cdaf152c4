/* SPDX-License-Identifier: MIT
 * SmoothGrad and its kin: gradients under noise. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/rng.h"
#include "explain/saliency/saliency.h"

/* Largest less smallest value over all channels, in which the paper measures its noise. */
static double range_of(const xai_tensor *tensor)
{
    double low = tensor->data[0], high = low;

    for (size_t i = 1; i < tensor->size; i++) {
        low = tensor->data[i] < low ? tensor->data[i] : low;
        high = tensor->data[i] > high ? tensor->data[i] : high;
    }
    return high - low;
}

static xai_status take_given_noise(xai__saliency *s, const xai_tensor *noise)
{
    char text[128], wanted[128];

    if (noise->rank != 4 || noise->shape[0] < 1 ||
        memcmp(noise->shape + 1, s->input->shape + 1, 3 * sizeof *noise->shape) != 0)
        return xai__fail(XAI_E_SHAPE, "the noise is %s, expected Nx%s with N >= 1",
                         xai__shape_text(text, sizeof text, noise->shape, noise->rank),
                         xai__shape_text(wanted, sizeof wanted, s->input->shape + 1, 3));
    s->n_points = (size_t)noise->shape[0];
    return XAI_OK;
}

/* The default profile measures noise by the input's range, captum in its units; captum also averages magnitudes. */
xai_status xai__saliency_begin_noise(xai__saliency *s)
{
    bool is_captum = strcmp(s->profile->name, "captum") == 0;

    s->takes_absolute = is_captum;
    if (s->options.noise != NULL)
        return take_given_noise(s, s->options.noise);
    s->n_points = s->options.n_samples != 0 ? s->options.n_samples : is_captum ? 5 : 20;
    if (is_captum)
        s->sigma = s->options.sigma != 0 ? (double)s->options.sigma : 1;
    else
        s->sigma = (s->options.sigma != 0 ? (double)s->options.sigma : 0.1) * range_of(s->input);
    return XAI_OK;
}

/* x + N(0, sigma^2), for every element. Random numbers by index, so that no sample depends on those before it: sample i
 * has the pairs from i ceil(n / 2) on. For odd n the last number of a sample is left over; if samples shared pairs, a
 * batch would have to know where the last one ended. */
void xai__saliency_noise_point(const xai__saliency *s, size_t index, float *image)
{
    uint64_t first = (uint64_t)index * ((s->n_elements + 1) / 2);

    for (size_t i = 0; i < s->n_elements && s->options.noise != NULL; i++)
        image[i] = s->input->data[i] + s->options.noise->data[index * s->n_elements + i];
    for (size_t i = 0; i < s->n_elements && s->options.noise == NULL; i += 2) {
        double pair[2];

        xai__rng_normal_pair_at(pair, s->run.seed, first + i / 2);
        for (size_t j = 0; j < 2 && i + j < s->n_elements; j++)
            image[i + j] = (float)(s->input->data[i + j] + s->sigma * pair[j]);
    }
}

static void add_notes(const xai__saliency *s, xai_attribution *a)
{
    xai__attribution_note(a, "samples", (double)s->n_done);
    if (s->options.noise != NULL)
        return;
    xai__attribution_note(a, "sigma", s->sigma);
    a->seed = s->run.seed;
    a->has_seed = true;
}

void xai__saliency_end_mean(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                            const double *squares)
{
    for (size_t i = 0; i < s->n_elements; i++)
        sum[i] /= (double)s->n_done;
    add_notes(s, a);
}

void xai__saliency_end_mean_square(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                                   const double *squares)
{
    for (size_t i = 0; i < s->n_elements; i++)
        sum[i] = squares[i] / (double)s->n_done;
    add_notes(s, a);
}

/* Mean of squares less square of the mean, of the samples themselves: divided by n, and never below zero by rounding.
 * In double the difference keeps nine digits even where the mean is a thousand times the deviation. */
void xai__saliency_end_variance(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                                const double *squares)
{
    for (size_t i = 0; i < s->n_elements; i++) {
        double mean = sum[i] / (double)s->n_done, variance = squares[i] / (double)s->n_done - mean * mean;

        sum[i] = variance > 0 ? variance : 0;
    }
    add_notes(s, a);
}
