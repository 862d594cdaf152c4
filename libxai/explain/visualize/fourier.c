/* SPDX-License-Identifier: MIT
 * The inverse Fourier transform as products with tables of cosines and sines, for any size.
 *
 * Cosines are even and sines odd, so that rows y and height - y, and columns x and width - x, are sum and difference of
 * the same two products: folding both sides of both products leaves a quarter of the multiplications. */
#include "explain/visualize/fourier.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* Columns of tables and products are padded to it, so that inner loops have a length that compilers know. */
enum { BLOCK = 16 };

static size_t pad(size_t n)
{
    return (n + BLOCK - 1) / BLOCK * BLOCK;
}

static size_t half(size_t n)
{
    return n / 2 + 1;
}

/* --- tables --- */

/* cos and sin of 2 pi i j / n for i, j up to n / 2: symmetric, which is why the adjoint needs no tables of its own. */
static xai_status fill_tables(float **cosines, float **sines, xai_context *context, size_t n)
{
    const double two_pi = 6.28318530717958647692;
    size_t size, stride = pad(half(n));

    if (!xai__mul_size(&size, half(n), stride))
        return xai__fail_memory();
    *cosines = xai__zalloc_array(context, size, sizeof **cosines);
    *sines = xai__zalloc_array(context, size, sizeof **sines);
    if (*cosines == NULL || *sines == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < half(n); i++)
        for (size_t j = 0; j < half(n); j++) {
            double angle = two_pi * (double)(i * j % n) / (double)n; /* small, so that it is exact enough */

            (*cosines)[i * stride + j] = (float)cos(angle);
            (*sines)[i * stride + j] = (float)sin(angle);
        }
    return XAI_OK;
}

xai_status xai__fourier_init(xai__fourier *out, xai_context *context, size_t height, size_t width)
{
    xai__fourier f = { .context = context, .height = height, .width = width, .n_columns = half(width) };
    xai_status status = fill_tables(&f.cos_y, &f.sin_y, context, height);

    if (status == XAI_OK)
        status = fill_tables(&f.cos_x, &f.sin_x, context, width);
    f.n_scratch = 4 * half(height) * pad(2 * f.n_columns) + 4 * height * pad(f.n_columns);
    if (status < 0)
        xai__fourier_fini(&f);
    else
        *out = f;
    return status;
}

void xai__fourier_fini(xai__fourier *f)
{
    xai__free(f->context, f->cos_y);
    xai__free(f->context, f->sin_y);
    xai__free(f->context, f->cos_x);
    xai__free(f->context, f->sin_x);
    *f = (xai__fourier){ 0 };
}

float xai__fourier_weight(const xai__fourier *f, size_t column)
{
    return column == 0 || 2 * column == f->width ? 1 : 2;
}

/* --- products --- */

/* row += a0 * b0 + ... + a3 * b3, in this order; n is a multiple of BLOCK. */
static void add_four_rows(float *restrict row, const float *restrict b, size_t stride, const float a[4], size_t n)
{
    const float *restrict b1 = b + stride, *restrict b2 = b1 + stride, *restrict b3 = b2 + stride;

    for (size_t first = 0; first < n; first += BLOCK)
        for (size_t i = first; i < first + BLOCK; i++)
            row[i] = (((row[i] + a[0] * b[i]) + a[1] * b1[i]) + a[2] * b2[i]) + a[3] * b3[i];
}

static void add_row(float *restrict row, const float *restrict b, float a, size_t n)
{
    for (size_t first = 0; first < n; first += BLOCK)
        for (size_t i = first; i < first + BLOCK; i++)
            row[i] += a * b[i];
}

/* out = a * b, m x k by k x n; rows of b and out are n apart, those of a pad(k). */
static void multiply(float *out, const float *a, const float *b, size_t m, size_t k, size_t n)
{
    memset(out, 0, m * n * sizeof *out);
    for (size_t row = 0; row < m; row++) {
        const float *factors = a + row * pad(k);
        size_t i = 0;

        for (; i + 4 <= k; i += 4)
            add_four_rows(out + row * n, b + i * n, n, factors + i, n);
        for (; i < k; i++)
            add_row(out + row * n, b + i * n, factors[i], n);
    }
}

/* --- folding --- */

/* Where a transform keeps what is between its two products. */
typedef struct parts {
    size_t n_rows, row;      /* half the height; floats of a row of complex numbers */
    size_t line;             /* floats of a row of real ones */
    float *even, *odd;       /* n_rows x row */
    float *cosine, *sine;    /* n_rows x row */
    float *real, *imaginary; /* height x line */
    float *first, *second;   /* height x line */
} parts;

static parts divide(const xai__fourier *f, float *scratch)
{
    parts p = { .n_rows = half(f->height), .row = pad(2 * f->n_columns), .line = pad(f->n_columns) };
    size_t complex_size = p.n_rows * p.row, real_size = f->height * p.line;

    p.even = scratch;
    p.odd = p.even + complex_size;
    p.cosine = p.odd + complex_size;
    p.sine = p.cosine + complex_size;
    p.real = p.sine + complex_size;
    p.imaginary = p.real + real_size;
    p.first = p.imaginary + real_size;
    p.second = p.first + real_size;
    return p;
}

/* The partner of index i about the middle of n, n - i; n itself where i has none, which are 0 and, of even n, n / 2. */
static size_t mirror(size_t i, size_t n)
{
    return i == 0 || 2 * i == n ? n : n - i;
}

/* Before the first product, over rows: with c cosines and s sines of 2 pi i j / n, row y needs c even + i s odd and row
 * height - y c even - i s odd, even and odd being sum and difference of a row of the spectrum and its partner. */
static void fold_spectrum(const parts *p, const xai__fourier *f, const float *spectrum)
{
    size_t n = 2 * f->n_columns;

    memset(p->even, 0, 2 * p->n_rows * p->row * sizeof(float));
    for (size_t y = 0; y < p->n_rows; y++) {
        const float *one = spectrum + y * n, *other = spectrum + mirror(y, f->height) * n;
        bool is_pair = mirror(y, f->height) < f->height;

        for (size_t i = 0; i < n; i++) {
            p->even[y * p->row + i] = is_pair ? one[i] + other[i] : one[i];
            p->odd[y * p->row + i] = is_pair ? one[i] - other[i] : 0;
        }
    }
}

static void unfold_spectrum(float *spectrum, const parts *p, const xai__fourier *f)
{
    size_t n = 2 * f->n_columns;

    for (size_t y = 0; y < p->n_rows; y++) {
        float *one = spectrum + y * n, *other = spectrum + mirror(y, f->height) * n;
        bool is_pair = mirror(y, f->height) < f->height;

        for (size_t i = 0; i < n; i++) {
            float even = p->even[y * p->row + i], odd = p->odd[y * p->row + i];

            one[i] = is_pair ? even + odd : even;
            if (is_pair)
                other[i] = even - odd;
        }
    }
}

/* Rows of cosine + i sine and their mirror images, each column as often as it stands in the whole spectrum: i (s0 + i
 * s1) is -s1 + i s0. The norm is "ortho", 1 / sqrt(height width), which makes the forward transform the adjoint,
 * divided by those counts. */
static void unfold_rows(const parts *p, const xai__fourier *f)
{
    float norm = (float)(1 / sqrt((double)f->height * (double)f->width));

    memset(p->real, 0, 2 * f->height * p->line * sizeof(float));
    for (size_t y = 0; y < p->n_rows; y++)
        for (size_t x = 0; x < f->n_columns; x++) {
            const float *c = p->cosine + y * p->row + 2 * x, *s = p->sine + y * p->row + 2 * x;
            size_t other = mirror(y, f->height);
            float weight = norm * xai__fourier_weight(f, x);

            p->real[y * p->line + x] = weight * (c[0] - s[1]);
            p->imaginary[y * p->line + x] = weight * (c[1] + s[0]);
            if (other == f->height)
                continue;
            p->real[other * p->line + x] = weight * (c[0] + s[1]);
            p->imaginary[other * p->line + x] = weight * (c[1] - s[0]);
        }
}

/* The transpose of the above, term by term: the same weights, each sum taken apart where it was put together. */
static void fold_rows(const parts *p, const xai__fourier *f)
{
    float norm = (float)(1 / sqrt((double)f->height * (double)f->width));

    memset(p->cosine, 0, 2 * p->n_rows * p->row * sizeof(float));
    for (size_t y = 0; y < p->n_rows; y++)
        for (size_t x = 0; x < f->n_columns; x++) {
            float *c = p->cosine + y * p->row + 2 * x, *s = p->sine + y * p->row + 2 * x;
            size_t other = mirror(y, f->height);
            float weight = norm * xai__fourier_weight(f, x);
            float real = p->real[y * p->line + x], imaginary = p->imaginary[y * p->line + x];
            float other_real = other < f->height ? p->real[other * p->line + x] : 0,
                  other_imaginary = other < f->height ? p->imaginary[other * p->line + x] : 0;

            c[0] = weight * (real + other_real);
            c[1] = weight * (imaginary + other_imaginary);
            s[0] = weight * (imaginary - other_imaginary);
            s[1] = weight * (other_real - real);
        }
}

/* --- transforms --- */

/* Over rows into height x n_columns complex numbers, of which the second product, over columns, needs only what is
 * real: re cos - im sin. Columns x and width - x are its difference and its sum. */
void xai__fourier_inverse(float *picture, const xai__fourier *f, const float *spectrum, float *scratch)
{
    parts p = divide(f, scratch);

    fold_spectrum(&p, f, spectrum);
    multiply(p.cosine, f->cos_y, p.even, p.n_rows, p.n_rows, p.row);
    multiply(p.sine, f->sin_y, p.odd, p.n_rows, p.n_rows, p.row);
    unfold_rows(&p, f);
    multiply(p.first, p.real, f->cos_x, f->height, f->n_columns, p.line);
    multiply(p.second, p.imaginary, f->sin_x, f->height, f->n_columns, p.line);
    for (size_t y = 0; y < f->height; y++)
        for (size_t x = 0; x < f->n_columns; x++) {
            float even = p.first[y * p.line + x], odd = p.second[y * p.line + x];

            picture[y * f->width + x] = even - odd;
            if (mirror(x, f->width) < f->width)
                picture[y * f->width + mirror(x, f->width)] = even + odd;
        }
}

/* All steps of the inverse, transposed, from the last to the first. Tables are symmetric, so they serve as they are. */
void xai__fourier_adjoint(float *spectrum, const xai__fourier *f, const float *picture, float *scratch)
{
    parts p = divide(f, scratch);

    memset(p.first, 0, 2 * f->height * p.line * sizeof(float));
    for (size_t y = 0; y < f->height; y++)
        for (size_t x = 0; x < f->n_columns; x++) {
            size_t other = mirror(x, f->width);
            float one = picture[y * f->width + x], mirrored = other < f->width ? picture[y * f->width + other] : 0;

            p.first[y * p.line + x] = one + mirrored;
            p.second[y * p.line + x] = mirrored - one;
        }
    multiply(p.real, p.first, f->cos_x, f->height, f->n_columns, p.line);
    multiply(p.imaginary, p.second, f->sin_x, f->height, f->n_columns, p.line);
    fold_rows(&p, f);
    multiply(p.even, f->cos_y, p.cosine, p.n_rows, p.n_rows, p.row);
    multiply(p.odd, f->sin_y, p.sine, p.n_rows, p.n_rows, p.row);
    unfold_spectrum(spectrum, &p, f);
}
