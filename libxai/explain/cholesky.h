/* SPDX-License-Identifier: MIT
 * Cholesky's factor of a symmetric, positive definite matrix, n x n, row-major, in double precision. */
#ifndef XAI__EXPLAIN_CHOLESKY_H
#define XAI__EXPLAIN_CHOLESKY_H

#include <stddef.h>

/* The lower half of a becomes its factor; what is above the diagonal stays. Returns n, or the first row whose pivot is
 * not finite or not above `least` times the largest element of the diagonal: a's diagonal holds that pivot then. */
size_t xai__cholesky_factor(double *a, size_t n, double least);

/* Solves in place: with the factor, and with the factor and its transpose, which is with the matrix. */
void xai__cholesky_forward(double *x, const double *factor, size_t n);
void xai__cholesky_solve(double *x, const double *factor, size_t n);

#endif
