/* SPDX-License-Identifier: MIT
 * What takes the place of pixels: zeros, a blur, the smallest value, the mean, or what is given. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/metric/metric_faithfulness.h"

/* RISE's kernel: the answer of scipy's Gaussian filter, whose tails are cut at 4 sigma and reflected at the ends of an
 * array of 11, to a single one in its middle. */
enum { LENGTH = 11, MIDDLE = LENGTH / 2, SIGMA = 5, RADIUS = 4 * SIGMA };

/* scipy's "reflect": the edge is repeated, d c b a | a b c d | d c b a. */
static int reflect(int i)
{
    int period = 2 * LENGTH, at = ((i % period) + period) % period;

    return at < LENGTH ? at : period - 1 - at;
}

static void fill_kernel(double kernel[LENGTH])
{
    double sum = 0;

    memset(kernel, 0, LENGTH * sizeof *kernel);
    for (int j = -RADIUS; j <= RADIUS; j++) {
        double weight = exp(-0.5 * j * j / (SIGMA * SIGMA));

        sum += weight;
        for (int i = 0; i < LENGTH; i++)
            kernel[i] += reflect(i + j) == MIDDLE ? weight : 0;
    }
    for (int i = 0; i < LENGTH; i++)
        kernel[i] /= sum;
}

/* A line of n numbers, stride apart, with nothing beyond its ends. Sums in double: torch's convolution in float32 is
 * within rounding of them. */
static void blur_line(double *out, const double *in, size_t n, size_t stride, const double kernel[LENGTH])
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;

        for (size_t k = 0; k < LENGTH; k++)
            if (i + k >= MIDDLE && i + k - MIDDLE < n)
                sum += kernel[k] * in[(i + k - MIDDLE) * stride];
        out[i * stride] = sum;
    }
}

/* The kernel is the product of a row and a column. */
static xai_status fill_blur(xai__faithfulness *f)
{
    size_t height = (size_t)f->scorer.input->shape[2], width = (size_t)f->scorer.input->shape[3];
    double *plane = xai__alloc_array(f->context, f->n_pixels, 2 * sizeof *plane), *rows;
    double kernel[LENGTH];

    if (plane == NULL)
        return XAI_E_NO_MEMORY;
    rows = plane + f->n_pixels;
    fill_kernel(kernel);
    for (size_t c = 0; c < f->n_channels; c++) {
        for (size_t i = 0; i < f->n_pixels; i++)
            plane[i] = f->input[c * f->n_pixels + i];
        for (size_t y = 0; y < height; y++)
            blur_line(rows + y * width, plane + y * width, width, 1, kernel);
        for (size_t x = 0; x < width; x++)
            blur_line(plane + x, rows + x, height, width, kernel);
        for (size_t i = 0; i < f->n_pixels; i++)
            f->substrate[c * f->n_pixels + i] = (float)plane[i];
    }
    xai__free(f->context, plane);
    return XAI_OK;
}

static xai_status fill_zero(xai__faithfulness *f)
{
    memset(f->substrate, 0, f->n_elements * sizeof *f->substrate);
    return XAI_OK;
}

static xai_status fill_min(xai__faithfulness *f)
{
    float low = f->input[0];

    for (size_t i = 1; i < f->n_elements; i++)
        low = f->input[i] < low ? f->input[i] : low;
    for (size_t i = 0; i < f->n_elements; i++)
        f->substrate[i] = low;
    return XAI_OK;
}

static xai_status fill_mean(xai__faithfulness *f)
{
    double sum = 0;

    for (size_t i = 0; i < f->n_elements; i++)
        sum += (double)f->input[i];
    for (size_t i = 0; i < f->n_elements; i++)
        f->substrate[i] = (float)(sum / (double)f->n_elements);
    return XAI_OK;
}

static const struct {
    const char *name;
    xai_status (*fill)(xai__faithfulness *f);
} rows[] = { { "zero", fill_zero }, { "blur", fill_blur }, { "min", fill_min }, { "mean", fill_mean } };

enum { N_ROWS = sizeof rows / sizeof *rows };

xai_status xai__faithfulness_fill_substrate(xai__faithfulness *f, const char *fallback)
{
    const char *name = f->options.substrate != NULL ? f->options.substrate : fallback;
    size_t i = 0;

    f->substrate = xai__alloc_array(f->context, f->n_elements, sizeof *f->substrate);
    if (f->substrate == NULL)
        return XAI_E_NO_MEMORY;
    if (f->options.baseline != NULL) {
        memcpy(f->substrate, f->options.baseline->data, f->n_elements * sizeof *f->substrate);
        return XAI_OK;
    }
    while (i < N_ROWS && strcmp(rows[i].name, name) != 0)
        i++;
    return i < N_ROWS ? rows[i].fill(f)
                      : xai__metric_unknown(f->context, "substrate", name, &rows[0].name, N_ROWS, sizeof *rows);
}
