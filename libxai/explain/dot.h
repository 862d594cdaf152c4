/* SPDX-License-Identifier: MIT
 * Scalar products, added up in one fixed order. */
#ifndef XAI__EXPLAIN_DOT_H
#define XAI__EXPLAIN_DOT_H

#include <stddef.h>

double xai__dot(const double *a, const double *b, size_t n);

/* Products and sum are doubles. */
double xai__dot_f32(const float *a, const float *b, size_t n);

#endif
