/* SPDX-License-Identifier: MIT
 * From parameters to pictures: a plane's spectrum, colours that are not correlated, a sigmoid. */
#include "explain/visualize/parameterisation.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"

enum { N_COLORS = 3 };

/* A root of the covariance of colours in ImageNet, as lucid states it, divided by the largest norm of its columns. */
static const double root[N_COLORS][N_COLORS] = { { 0.26, 0.09, 0.02 }, { 0.27, 0.00, -0.05 }, { 0.27, -0.09, 0.03 } };

/* lucid divides its spectra by 4 so that colours are not saturated from the start. */
static const float CALM = 4;

/* --- colours --- */

typedef struct mixing {
    float matrix[N_COLORS][N_COLORS];
} mixing;

/* Found anew for each run: nine numbers are cheaper than state. */
static mixing find_mixing(bool is_correlated)
{
    double largest = 0;
    mixing m;

    for (int j = 0; j < N_COLORS; j++)
        largest = fmax(largest, sqrt(root[0][j] * root[0][j] + root[1][j] * root[1][j] + root[2][j] * root[2][j]));
    for (int i = 0; i < N_COLORS; i++)
        for (int j = 0; j < N_COLORS; j++)
            m.matrix[i][j] = is_correlated ? (float)(i == j) : (float)(root[i][j] / largest);
    return m;
}

/* Cramer's rule: the transpose of the cofactors over the determinant. Indices run in a circle, which gives cofactors
 * their signs. */
static mixing invert(const mixing *m)
{
    double a[N_COLORS][N_COLORS], determinant = 0;
    mixing inverse;

    for (int i = 0; i < N_COLORS; i++)
        for (int j = 0; j < N_COLORS; j++) {
            int r = (i + 1) % 3, s = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;

            a[i][j] = (double)m->matrix[r][c] * m->matrix[s][d] - (double)m->matrix[r][d] * m->matrix[s][c];
        }
    for (int j = 0; j < N_COLORS; j++)
        determinant += m->matrix[0][j] * a[0][j];
    for (int i = 0; i < N_COLORS; i++)
        for (int j = 0; j < N_COLORS; j++)
            inverse.matrix[i][j] = (float)(a[j][i] / determinant);
    return inverse;
}

/* --- memory --- */

/* lucid's: amplitudes fall as 1 / frequency, from the lowest one that the longer side has. */
static void fill_scale(xai__parameterisation *p)
{
    double height = (double)p->height, width = (double)p->width, least = 1 / fmax(height, width);

    for (size_t y = 0; y < p->height; y++)
        for (size_t x = 0; x < p->fourier.n_columns; x++) {
            double fy = (double)(2 * y <= p->height ? y : p->height - y) / height, fx = (double)x / width;
            float scale = (float)(1 / fmax(sqrt(fy * fy + fx * fx), least)) / CALM;

            p->scale[2 * (y * p->fourier.n_columns + x)] = scale;
            p->scale[2 * (y * p->fourier.n_columns + x) + 1] = scale;
        }
}

/* A lane has room for a scaled spectrum and, behind it, for what the transform needs. */
static xai_status init_fourier(xai__parameterisation *p)
{
    xai_status status = xai__fourier_init(&p->fourier, p->context, p->height, p->width);
    size_t n;

    if (status < 0)
        return status;
    p->n_plane = 2 * p->height * p->fourier.n_columns;
    p->lane = p->n_plane + p->fourier.n_scratch;
    p->scale = xai__alloc_array(p->context, p->n_plane, sizeof *p->scale);
    if (!xai__mul_size(&n, p->lane, p->context->pool.n_threads))
        return xai__fail_memory();
    p->scratch = xai__alloc_array(p->context, n, sizeof *p->scratch);
    if (p->scale == NULL || p->scratch == NULL)
        return XAI_E_NO_MEMORY;
    fill_scale(p);
    return XAI_OK;
}

static xai_status init(xai__parameterisation *p)
{
    xai_status status = XAI_OK;
    size_t n_raw;

    p->n_plane = p->height * p->width;
    if (p->is_fourier)
        status = init_fourier(p);
    if (status < 0)
        return status;
    if (!xai__mul_size(&p->n_values, N_COLORS * p->n_plane, p->n_pictures) ||
        !xai__mul_size(&n_raw, N_COLORS * p->height * p->width, p->n_pictures))
        return xai__fail_memory();
    p->values = xai__alloc_array(p->context, p->n_values, sizeof *p->values);
    p->raw = xai__alloc_array(p->context, n_raw, sizeof *p->raw);
    return p->values == NULL || p->raw == NULL ? XAI_E_NO_MEMORY : XAI_OK;
}

xai_status xai__parameterisation_init(xai__parameterisation *out, xai_context *context)
{
    xai_status status;

    out->context = context;
    status = init(out);
    if (status < 0)
        xai__parameterisation_fini(out);
    return status;
}

void xai__parameterisation_fini(xai__parameterisation *p)
{
    if (p->context == NULL)
        return;
    xai__free(p->context, p->values);
    xai__free(p->context, p->raw);
    xai__free(p->context, p->scale);
    xai__free(p->context, p->scratch);
    if (p->fourier.context != NULL)
        xai__fourier_fini(&p->fourier);
    *p = (xai__parameterisation){ 0 };
}

/* --- beginnings --- */

/* N(0, deviation^2), independent, as lucid and lucent begin: in a spectrum that is grey noise with little contrast. */
void xai__parameterisation_start(xai__parameterisation *p, uint64_t seed, double deviation)
{
    size_t n = N_COLORS * p->n_plane;

    for (size_t picture = 0; picture < p->n_pictures; picture++) {
        uint64_t key = xai__mix64(xai__mix64(seed) + picture);
        float *values = p->values + picture * n;

        for (size_t i = 0; i < n; i += 2) {
            double pair[2];

            xai__rng_normal_pair_at(pair, key, i / 2);
            values[i] = (float)(deviation * pair[0]);
            if (i + 1 < n)
                values[i + 1] = (float)(deviation * pair[1]);
        }
    }
}

/* What the sigmoid and the mixing of colours make the picture of: the logit of each colour, unmixed. Half a byte away
 * from 0 and 255, whose logits are infinite. */
static void unmix(float *raw, const xai__parameterisation *p, const xai_image *image)
{
    mixing mix = find_mixing(p->is_correlated), inverse = invert(&mix);
    size_t n_pixels = p->height * p->width;

    for (size_t i = 0; i < n_pixels; i++) {
        double logit[N_COLORS];

        for (int c = 0; c < N_COLORS; c++) {
            double value = fmin(fmax(image->pixels[N_COLORS * i + (size_t)c] / 255.0, 1 / 512.0), 511 / 512.0);

            logit[c] = log(value / (1 - value));
        }
        for (size_t c = 0; c < N_COLORS; c++)
            raw[c * n_pixels + i] = (float)(inverse.matrix[c][0] * logit[0] + inverse.matrix[c][1] * logit[1] +
                                            inverse.matrix[c][2] * logit[2]);
    }
}

void xai__parameterisation_imitate(xai__parameterisation *p, const xai_image *image)
{
    size_t n = N_COLORS * p->n_plane, n_pixels = p->height * p->width;

    unmix(p->raw, p, image);
    for (size_t c = 0; c < N_COLORS; c++) {
        float *values = p->values + c * p->n_plane;

        if (!p->is_fourier) {
            memcpy(values, p->raw + c * n_pixels, n_pixels * sizeof *values);
            continue;
        }
        xai__fourier_adjoint(values, &p->fourier, p->raw + c * n_pixels, p->scratch);
        /* The forward transform of what the inverse has to give, undone by the scale that it will have. */
        for (size_t i = 0; i < p->n_plane; i++)
            values[i] /= xai__fourier_weight(&p->fourier, i / 2 % p->fourier.n_columns) * p->scale[i];
    }
    for (size_t picture = 1; picture < p->n_pictures; picture++)
        memcpy(p->values + picture * n, p->values, n * sizeof *p->values);
}

/* --- there and back --- */

/* What the tasks of a run share. */
typedef struct job {
    xai__parameterisation *p;
    mixing mix;
    float *pictures, *gradient;
    const float *drawn, *of_pictures;
} job;

/* A task a plane: spectrum times scale, back to pixels. A lane's scratch is its own. */
static void transform_plane(void *user, size_t plane, size_t lane)
{
    const job *j = user;
    const xai__parameterisation *p = j->p;
    float *spectrum = p->scratch + lane * p->lane;
    const float *values = p->values + plane * p->n_plane;

    for (size_t i = 0; i < p->n_plane; i++)
        spectrum[i] = values[i] * p->scale[i];
    xai__fourier_inverse(p->raw + plane * p->height * p->width, &p->fourier, spectrum, spectrum + p->n_plane);
}

/* Pixels are their own raw planes, and stay where they are. */
static void color_picture(void *user, size_t picture, size_t lane)
{
    const job *j = user;
    size_t n = j->p->height * j->p->width;
    const float *raw = (j->p->is_fourier ? j->p->raw : j->p->values) + picture * N_COLORS * n;

    for (size_t c = 0; c < N_COLORS; c++) {
        const float *m = j->mix.matrix[c];
        float *out = j->pictures + (picture * N_COLORS + c) * n;

        for (size_t i = 0; i < n; i++)
            out[i] = 1 / (1 + expf(-(m[0] * raw[i] + m[1] * raw[n + i] + m[2] * raw[2 * n + i])));
    }
}

void xai__parameterisation_draw(float *pictures, xai__parameterisation *p, xai__team *team)
{
    job j = { .p = p, .mix = find_mixing(p->is_correlated), .pictures = pictures };

    if (p->is_fourier)
        xai__team_run(team, N_COLORS * p->n_pictures, transform_plane, &j);
    xai__team_run(team, p->n_pictures, color_picture, &j);
}

/* The sigmoid's slope needs only what it gave; the mixing goes back transposed. */
static void color_back(void *user, size_t picture, size_t lane)
{
    const job *j = user;
    size_t n = j->p->height * j->p->width;
    const float *y = j->drawn + picture * N_COLORS * n, *g = j->of_pictures + picture * N_COLORS * n;
    float *out = (j->p->is_fourier ? j->p->raw : j->gradient) + picture * N_COLORS * n;

    for (size_t i = 0; i < n; i++) {
        float slope[N_COLORS];

        for (size_t c = 0; c < N_COLORS; c++)
            slope[c] = g[c * n + i] * y[c * n + i] * (1 - y[c * n + i]);
        for (size_t c = 0; c < N_COLORS; c++)
            out[c * n + i] = j->mix.matrix[0][c] * slope[0] + j->mix.matrix[1][c] * slope[1] +
                             j->mix.matrix[2][c] * slope[2];
    }
}

/* The adjoint of the same: back to the spectrum, times scale. */
static void transform_back(void *user, size_t plane, size_t lane)
{
    const job *j = user;
    const xai__parameterisation *p = j->p;
    float *out = j->gradient + plane * p->n_plane;

    xai__fourier_adjoint(out, &p->fourier, p->raw + plane * p->height * p->width,
                         p->scratch + lane * p->lane + p->n_plane);
    for (size_t i = 0; i < p->n_plane; i++)
        out[i] *= p->scale[i];
}

void xai__parameterisation_gradient(float *gradient, xai__parameterisation *p, const float *pictures,
                                    const float *of_pictures, xai__team *team)
{
    job j = { .p = p,
              .mix = find_mixing(p->is_correlated),
              .gradient = gradient,
              .drawn = pictures,
              .of_pictures = of_pictures };

    xai__team_run(team, p->n_pictures, color_back, &j);
    if (p->is_fourier)
        xai__team_run(team, N_COLORS * p->n_pictures, transform_back, &j);
}
