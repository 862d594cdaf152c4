/* SPDX-License-Identifier: MIT
 * Colours as superpixels compare them: CIELAB as scikit-image computes it, and Gaussian smoothing as scipy does. */
#include <math.h>

#include "core/memory.h"
#include "explain/segment/segment.h"
#include "io/image.h"

/* sRGB to CIE XYZ, and what of X, Y and Z is white under D65 for the 2 degree observer. */
static const double to_xyz[3][3] = {
    { 0.412453, 0.357580, 0.180423 },
    { 0.212671, 0.715160, 0.072169 },
    { 0.019334, 0.119193, 0.950227 },
};
static const double white[3] = { 0.95047, 1.0, 1.08883 };

/* Light of an sRGB value. */
static double linear(double value)
{
    return value > 0.04045 ? pow((value + 0.055) / 1.055, 2.4) : value / 12.92;
}

/* The nearest double, one step of Newton's from the C library's root: libraries differ in the last bit, which decides
 * between colours that are equally far apart. */
static double cube_root(double x)
{
    double y = cbrt(x), square = y * y, rest = fma(y, y, -square);

    return y - (fma(square, y, -x) + rest * y) / (3 * square);
}

/* CIE's lightness curve; a line near black, where the root is too steep. */
static double perceived(double share)
{
    return share > 0.008856 ? cube_root(share) : 7.787 * share + 16.0 / 116.0;
}

static void convert_to_lab(double lab[3], const double rgb[3])
{
    double f[3];

    /* Fused, as the BLAS behind NumPy's product of matrices does it: colours that are equally far apart stay so. */
    for (size_t i = 0; i < 3; i++)
        f[i] = perceived(fma(rgb[2], to_xyz[i][2], fma(rgb[1], to_xyz[i][1], rgb[0] * to_xyz[i][0])) / white[i]);
    lab[0] = 116.0 * f[1] - 16.0;
    lab[1] = 500.0 * (f[0] - f[1]);
    lab[2] = 200.0 * (f[1] - f[2]);
}

void xai__segment_colours(xai__segmentation *s, bool is_lab, double low, double high, double factor)
{
    const uint8_t *pixel = s->image->pixels;
    double values[256], range = high != low ? high - low : 1;

    /* A byte has 256 values, and a power costs as much as all the rest of a pixel. */
    for (size_t i = 0; i < 256; i++) {
        values[i] = ((double)i * (1.0 / 255.0) - low) / range;
        values[i] = is_lab ? linear(values[i]) : values[i];
    }
    for (size_t i = 0; i < s->n_pixels; i++, pixel += 3) {
        double colour[3] = { values[pixel[0]], values[pixel[1]], values[pixel[2]] }, lab[3];

        if (is_lab)
            convert_to_lab(lab, colour);
        for (size_t c = 0; c < XAI__SEGMENT_CHANNELS; c++)
            s->planes[c][i] = (is_lab ? lab[c] : colour[c]) * factor;
    }
}

/* --- smoothing --- */

typedef struct kernel {
    double *weights; /* of the middle and of those to one side */
    size_t radius;
} kernel;

/* One side of a bell, weighed so that both sides and the middle add up to 1. */
static xai_status create_kernel(kernel *k, xai_context *context, double sigma)
{
    double sum = 1;

    k->radius = (size_t)(4 * sigma + 0.5);
    k->weights = xai__alloc_array(context, k->radius + 1, sizeof *k->weights);
    if (k->weights == NULL)
        return XAI_E_NO_MEMORY;
    k->weights[0] = 1;
    for (size_t i = 1; i <= k->radius; i++) {
        k->weights[i] = exp(-0.5 / (sigma * sigma) * (double)(i * i));
        sum += 2 * k->weights[i];
    }
    for (size_t i = 0; i <= k->radius; i++)
        k->weights[i] /= sum;
    return XAI_OK;
}

/* Edges are mirrored, themselves repeated, as often as a wide kernel needs it. */
static size_t mirrored(ptrdiff_t i, size_t n)
{
    size_t period = 2 * n, place = (size_t)(i < 0 ? -i - 1 : i) % period;

    return place < n ? place : period - 1 - place;
}

/* A line, stride apart, through a copy; pairs from the outside in, which is scipy's order. */
static void smooth_line(double *line, size_t n, size_t stride, const kernel *k, double *padded)
{
    double *middle = padded + k->radius;

    for (size_t i = 0; i < n + 2 * k->radius; i++)
        padded[i] = line[mirrored((ptrdiff_t)i - (ptrdiff_t)k->radius, n) * stride];
    for (size_t i = 0; i < n; i++, middle++) {
        double sum = middle[0] * k->weights[0];

        for (size_t j = k->radius; j >= 1; j--)
            sum += (middle[-(ptrdiff_t)j] + middle[j]) * k->weights[j];
        line[i * stride] = sum;
    }
}

xai_status xai__segment_smooth(xai__segmentation *s, double sigma)
{
    size_t longest = s->width > s->height ? s->width : s->height;
    kernel k = { 0 };
    double *padded = NULL;
    xai_status status = XAI_OK;

    if (sigma <= 0)
        return XAI_OK;
    /* What is wider than the picture only repeats its mirror images. */
    sigma = sigma < (double)longest ? sigma : (double)longest;
    status = create_kernel(&k, s->context, sigma);
    if (status == XAI_OK)
        padded = xai__alloc_array(s->context, longest + 2 * k.radius, sizeof *padded);
    for (size_t c = 0; c < XAI__SEGMENT_CHANNELS && padded != NULL; c++) {
        for (size_t x = 0; x < s->width; x++)
            smooth_line(s->planes[c] + x, s->height, s->width, &k, padded);
        for (size_t y = 0; y < s->height; y++)
            smooth_line(s->planes[c] + y * s->width, s->width, 1, &k, padded);
    }
    status = status == XAI_OK && padded == NULL ? XAI_E_NO_MEMORY : status;
    xai__free(s->context, padded);
    xai__free(s->context, k.weights);
    return status;
}
