/* SPDX-License-Identifier: MIT
 * The softmax layer over features: logits, losses and their gradients, in double. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "explain/influence/influence.h"

/* Features are widened once for all classes, as many at a time as stay in the first-level cache beside the rows. */
enum { WIDENED = 64 };

/* Row by row of the matrix the features would be widened n_classes times; block by block once, and the sums of a block
 * are added to those before it, in the order of the features. */
void xai__softmax_apply(double *out, const xai_training *training, const double *matrix, const float *x)
{
    size_t n = training->n_features, stride = training->n_inputs;
    double wide[WIDENED];

    for (size_t c = 0; c < training->n_classes; c++)
        out[c] = stride > n ? matrix[c * stride + n] : 0;
    for (size_t first = 0; first < n; first += WIDENED) {
        size_t count = n - first < WIDENED ? n - first : WIDENED;

        for (size_t k = 0; k < count; k++)
            wide[k] = (double)x[first + k];
        for (size_t c = 0; c < training->n_classes; c++)
            out[c] += xai__dot(matrix + c * stride + first, wide, count);
    }
}

/* In place, from logits; returns log of the sum of exponentials. */
static double softmax(double *z, size_t n)
{
    double top = z[0], sum = 0;

    for (size_t c = 1; c < n; c++)
        top = z[c] > top ? z[c] : top;
    for (size_t c = 0; c < n; c++) {
        z[c] = exp(z[c] - top);
        sum += z[c];
    }
    for (size_t c = 0; c < n; c++)
        z[c] /= sum;
    return top + log(sum);
}

/* Row by row p = softmax(W x + b), less one at the label: d loss / d logits. */
void xai__softmax_residuals(double *out, const xai_training *training, const xai__rows *rows, const int64_t *labels)
{
    for (size_t i = 0; i < rows->n; i++) {
        double *p = out + i * training->n_classes;

        xai__softmax_apply(p, training, training->weights, rows->data + i * rows->stride);
        softmax(p, training->n_classes);
        if (labels != NULL)
            p[labels[i]] -= 1;
    }
}

/* d loss / d weights is residual x', and d loss / d bias the residual: x with a 1 behind it gives both. */
static void outer_product(double *g, const double *residual, const float *x, const xai_training *training)
{
    for (size_t c = 0; c < training->n_classes; c++) {
        double *row = g + c * training->n_inputs;

        for (size_t k = 0; k < training->n_features; k++)
            row[k] = residual[c] * (double)x[k];
        if (training->n_inputs > training->n_features)
            row[training->n_features] = residual[c];
    }
}

static size_t largest(const double *z, size_t n)
{
    size_t best = 0;

    for (size_t c = 1; c < n; c++)
        best = z[c] > z[best] ? c : best;
    return best;
}

xai_status xai__softmax_look(xai_influence_record *record, double *g, double *residual, const xai_training *training,
                             const float *x, int64_t label)
{
    size_t n = training->n_classes, top;
    double own;

    for (size_t k = 0; k < training->n_features; k++)
        if (!isfinite(x[k]))
            return xai__fail(XAI_E_FORMAT, "feature %zu of a test example is not finite", k);
    if (label < -1 || label >= (int64_t)n)
        return xai__fail(XAI_E_INVALID, "there is no class %lld, the layer has %zu", (long long)label, n);
    xai__softmax_apply(residual, training, training->weights, x);
    top = largest(residual, n);
    label = label < 0 ? (int64_t)top : label;
    own = residual[label];
    *record = (xai_influence_record){ .prediction = (int64_t)top, .label = label };
    /* -log p[label] as log(sum of exp z) - z[label]: exact where p itself would be rounded to 0 or 1. */
    record->loss = softmax(residual, n) - own;
    residual[label] -= 1;
    if (g != NULL)
        outer_product(g, residual, x, training);
    return XAI_OK;
}
