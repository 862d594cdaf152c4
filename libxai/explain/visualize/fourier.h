/* SPDX-License-Identifier: MIT
 * Pictures from half spectra: the inverse Fourier transform of real pictures, and its adjoint, as small products. */
#ifndef XAI__EXPLAIN_VISUALIZE_FOURIER_H
#define XAI__EXPLAIN_VISUALIZE_FOURIER_H

#include <stdbool.h>

#include <xai/context.h>

/* Tables for one size. A spectrum is height x n_columns complex numbers, real part first, as torch's rfft2 has it. */
typedef struct xai__fourier {
    xai_context *context;
    size_t height, width, n_columns; /* width / 2 + 1 */
    size_t n_scratch;                /* floats that a transform needs beside its result */
    float *cos_y, *sin_y, *cos_x, *sin_x;
} xai__fourier;

/* On failure there is nothing to free. */
xai_status xai__fourier_init(xai__fourier *out, xai_context *context, size_t height, size_t width);
void xai__fourier_fini(xai__fourier *f);

/* torch.fft.irfft2(spectrum, s=(height, width), norm="ortho"): imaginary parts that a real picture cannot have are
 * ignored. */
void xai__fourier_inverse(float *picture, const xai__fourier *f, const float *spectrum, float *scratch);

/* The transpose of the inverse as a matrix over real and imaginary parts: what carries a gradient back. */
void xai__fourier_adjoint(float *spectrum, const xai__fourier *f, const float *picture, float *scratch);

/* How often a column of the half spectrum stands in the whole one: the forward transform is the adjoint divided by it.
 */
float xai__fourier_weight(const xai__fourier *f, size_t column);

#endif
