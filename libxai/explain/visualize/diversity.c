/* SPDX-License-Identifier: MIT
 * Diversity: how little pictures are alike in a layer, by the cosines between Gram matrices of its channels. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/visualize/objective.h"

/* All pictures' Gram matrices, each divided by its norm. */
typedef struct grams {
    size_t n_channels, n_positions, size; /* size: of a matrix */
    float *matrices;
    double *norms;
    float *pull; /* of one picture: where its matrix wants to go */
} grams;

/* torch's F.normalize. */
static const double LEAST_NORM = 1e-12;

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* G[i][j] = sum over positions of x_i x_j: which channels occur together, wherever they do. Symmetric, so half of it is
 * computed. */
static void fill(grams *g, size_t picture, const float *elements)
{
    size_t n = g->n_channels, m = g->n_positions;
    float *matrix = g->matrices + picture * g->size;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            matrix[i * n + j] = matrix[j * n + i] = (float)dot(elements + i * m, elements + j * m, m);
    g->norms[picture] = fmax(sqrt(dot(matrix, matrix, g->size)), LEAST_NORM);
    for (size_t i = 0; i < g->size; i++)
        matrix[i] = (float)(matrix[i] / g->norms[picture]);
}

/* score(i) = -sum over k of <G_i, G_k>, of matrices of length 1, so a picture's matrix stands in its own score and in
 * those of all others: its gradient is -(share_i + share_k) G_k, added up over k. */
static void find_pull(grams *g, size_t picture, size_t n_pictures, const double *shares)
{
    memset(g->pull, 0, g->size * sizeof *g->pull);
    for (size_t k = 0; k < n_pictures; k++) {
        const float *other = g->matrices + k * g->size;
        float share = (float)(shares[picture] + shares[k]);

        for (size_t i = 0; i < g->size && k != picture; i++)
            g->pull[i] -= share * other[i];
    }
}

/* Back through the norm: what lies along the matrix itself changes its length alone, and is taken off. Then through the
 * product: the matrix is symmetric, so twice its gradient times the elements. */
static void carry_back(float *seed, const grams *g, size_t picture, const float *elements)
{
    const float *matrix = g->matrices + picture * g->size;
    double along = dot(matrix, g->pull, g->size);
    size_t n = g->n_channels, m = g->n_positions;

    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            float factor = (float)(2 * (g->pull[i * n + j] - along * matrix[i * n + j]) / g->norms[picture]);

            for (size_t k = 0; k < m; k++)
                seed[i * m + k] += factor * elements[j * m + k];
        }
}

static void score(double *scores, const grams *g, size_t n_pictures)
{
    for (size_t i = 0; i < n_pictures; i++) {
        scores[i] = 0;
        for (size_t k = 0; k < n_pictures; k++)
            if (k != i)
                scores[i] -= dot(g->matrices + i * g->size, g->matrices + k * g->size, g->size);
    }
}

xai_status xai__diversity(double *scores, float *seed, const xai__term *term, const float *elements, size_t n_pictures,
                          const double *shares, xai_context *context)
{
    grams g = { .n_channels = term->n_channels, .n_positions = term->height * term->width };
    size_t n_elements = g.n_channels * g.n_positions, n;
    xai_status status = XAI_OK;

    if (!xai__mul_size(&g.size, g.n_channels, g.n_channels) || !xai__mul_size(&n, g.size, n_pictures))
        return xai__fail_memory();
    g.matrices = xai__alloc_array(context, n, sizeof *g.matrices);
    g.norms = xai__alloc_array(context, n_pictures, sizeof *g.norms);
    g.pull = xai__alloc_array(context, g.size, sizeof *g.pull);
    if (g.matrices == NULL || g.norms == NULL || g.pull == NULL)
        status = XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n_pictures && status == XAI_OK; i++)
        fill(&g, i, elements + i * n_elements);
    if (status == XAI_OK)
        score(scores, &g, n_pictures);
    for (size_t i = 0; i < n_pictures && status == XAI_OK; i++) {
        find_pull(&g, i, n_pictures, shares);
        carry_back(seed + i * n_elements, &g, i, elements + i * n_elements);
    }
    xai__free(context, g.matrices);
    xai__free(context, g.norms);
    xai__free(context, g.pull);
    return status;
}
