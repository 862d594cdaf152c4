/* SPDX-License-Identifier: MIT
 * Infidelity and completeness: whether the map's sums foretell how the score changes. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/rng.h"
#include "explain/metric/metric_faithfulness.h"

enum { DEFAULT_SAMPLES = 10 };

static const double DEFAULT_SIGMA = 0.1;

/* --- perturbations --- */

static double range_of(const float *data, size_t n)
{
    double low = data[0], high = data[0];

    for (size_t i = 1; i < n; i++) {
        low = data[i] < low ? data[i] : low;
        high = data[i] > high ? data[i] : high;
    }
    return high - low;
}

/* Random numbers by index, so that no sample depends on those before it. */
static void fill_noise(const xai__faithfulness *f, uint64_t index, float *noise)
{
    double sigma = (f->options.sigma != 0 ? (double)f->options.sigma : DEFAULT_SIGMA) *
                   range_of(f->input, f->n_elements);
    uint64_t first = index * ((f->n_elements + 1) / 2);

    if (f->options.perturbations != NULL) {
        memcpy(noise, f->options.perturbations->data + index * f->n_elements, f->n_elements * sizeof *noise);
        return;
    }
    for (size_t i = 0; i < f->n_elements; i += 2) {
        double pair[2];

        xai__rng_normal_pair_at(pair, f->run.seed, first + i / 2);
        noise[i] = (float)(sigma * pair[0]);
        if (i + 1 < f->n_elements)
            noise[i + 1] = (float)(sigma * pair[1]);
    }
}

/* What a map that was multiplied by its input is held against. */
static double divisor_of(const xai__faithfulness *f, size_t i)
{
    double range = f->substrate != NULL ? (double)f->input[i] - (double)f->substrate[i] : (double)f->input[i];

    return (f->options.flags & XAI_FAITHFULNESS_TIMES_INPUT) == 0 || range == 0 ? 1 : range;
}

/* The image without the perturbation, and what the map makes of it. */
static void make_perturbed(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;
    double product = 0;

    fill_noise(f, index, image);
    for (size_t i = 0; i < f->n_elements; i++) {
        double value = f->values[f->n_values == f->n_elements ? i : i % f->n_pixels];

        product += value * image[i] / divisor_of(f, i);
        image[i] = f->input[i] - image[i];
    }
    memcpy(note, &product, sizeof product);
}

/* --- metrics --- */

static double change_of(const xai__faithfulness *f, size_t sample)
{
    return f->scorer.plain_scores[0] - f->scores[sample];
}

/* Of least squares. A map that foretells nothing keeps its size. */
static double best_scale(const xai__faithfulness *f)
{
    double squares = 0, products = 0;

    for (size_t i = 0; i < f->n_done; i++) {
        squares += f->notes[i] * f->notes[i];
        products += f->notes[i] * change_of(f, i);
    }
    return squares != 0 ? products / squares : 1;
}

xai_status xai__faithfulness_infidelity(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    const xai_tensor *given = f->options.perturbations;
    size_t n = given != NULL               ? (size_t)given->shape[0]
               : f->options.n_samples != 0 ? f->options.n_samples
                                           : DEFAULT_SAMPLES;
    xai_status status = f->options.baseline != NULL ? xai__faithfulness_fill_substrate(f, "zero") : XAI_OK;
    double sum = 0, scale;

    if (status == XAI_OK)
        status = xai__faithfulness_run(f, n, make_perturbed);
    if (status < 0)
        return status;
    scale = (f->options.flags & XAI_FAITHFULNESS_SCALED) != 0 ? best_scale(f) : 1;
    for (size_t i = 0; i < f->n_done; i++) {
        double error = scale * f->notes[i] - change_of(f, i);

        sum += error * error;
    }
    *out = f->n_done > 0 ? sum / (double)f->n_done : 0;
    return status;
}

static void copy_substrate(void *user, uint64_t index, float *image, void *note)
{
    const xai__faithfulness *f = user;

    memcpy(image, f->substrate, f->n_elements * sizeof *image);
}

xai_status xai__faithfulness_completeness(double *out, xai_tensor **curve, xai__faithfulness *f)
{
    xai_status status = xai__faithfulness_fill_substrate(f, "zero");
    double sum = 0;

    if (status == XAI_OK)
        status = xai__faithfulness_run(f, 1, copy_substrate);
    if (status < 0)
        return status;
    for (size_t i = 0; i < f->n_values; i++)
        sum += f->values[i];
    *out = sum - (f->scorer.plain_scores[0] - f->scores[0]);
    return status;
}
