/* SPDX-License-Identifier: MIT
 * Quadrature: nodes and weights on the interval from 0 to 1. */
#ifndef XAI__EXPLAIN_SALIENCY_QUADRATURE_H
#define XAI__EXPLAIN_SALIENCY_QUADRATURE_H

#include <stddef.h>

#include <xai/api.h>

/* By name: gausslegendre, riemann-left, riemann-right, riemann-middle, riemann-trapezoid, as captum has them. n >= 1.
 * XAI_E_NOT_FOUND lists the names; XAI_E_INVALID for more points than one has. */
xai_status xai__quadrature(double *nodes, double *weights, size_t n, const char *name);

#endif
