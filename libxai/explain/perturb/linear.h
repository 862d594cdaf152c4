/* SPDX-License-Identifier: MIT
 * Weighted linear models of 0/1 features, by their normal equations: ridge, lasso, forward selection, errors. */
#ifndef XAI__EXPLAIN_PERTURB_LINEAR_H
#define XAI__EXPLAIN_PERTURB_LINEAR_H

#include <stdbool.h>
#include <stdint.h>

#include <xai/context.h>

/* What cancellation leaves of a diagonal element is noise below this share of it. */
#define XAI__LINEAR_NOISE 1e-12

/* What depends on the features alone, so that all targets share it. */
typedef struct xai__design {
    xai_context *context;
    const uint8_t *rows; /* n x m */
    const double *weights;
    size_t n, m;
    double weight_sum;
    double *mean; /* of each feature */
    double *gram; /* m x m: weighted products of centred features */
} xai__design;

/* A fit: some features, an intercept. */
typedef struct xai__linear {
    uint32_t *features; /* n_features of them, ascending */
    size_t n_features;
    double *coefficients; /* m, 0 for features that take no part */
    double *errors;       /* m: their standard errors */
    double intercept, r_squared;
} xai__linear;

/* On failure there is nothing to free. */
xai_status xai__design_create(xai__design *out, xai_context *context, const uint8_t *rows, const double *weights,
                              size_t n, size_t m);
void xai__design_free(xai__design *d);

/* All features, until one of the selections is called. */
xai_status xai__linear_create(xai__linear *out, const xai__design *d);
void xai__linear_free(xai__linear *f, const xai__design *d);

/* The features that raise weighted R squared of an unpenalised fit most, one after the other; of equals the first. y
 * has a stride, as columns of scores have. */
xai_status xai__linear_select_forward(xai__linear *f, const xai__design *d, const double *y, size_t stride, size_t n);

/* The features with the largest coefficients of a ridge regression; of equals the first. */
xai_status xai__linear_select_largest(xai__linear *f, const xai__design *d, const double *y, size_t stride, size_t n,
                                      double alpha);

/* Minimises sum w (y - intercept - x b)^2 + alpha |b|^2 over the selected features. XAI_E_INVALID if the samples do not
 * determine b; with lenient, a b of least length is found closely instead. Errors are those of a sandwich estimator,
 * for samples drawn independently. */
xai_status xai__linear_ridge(xai__linear *f, const xai__design *d, const double *y, size_t stride, double alpha,
                             bool lenient);

/* Minimises sum w (y - intercept - x b)^2 / (2 sum w) + alpha |b|_1. Leaves no errors. */
xai_status xai__linear_lasso(xai__linear *f, const xai__design *d, const double *y, size_t stride, double alpha);

#endif
