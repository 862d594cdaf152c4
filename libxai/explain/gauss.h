/* SPDX-License-Identifier: MIT
 * Smoothing by a Gaussian bell. */
#ifndef XAI__EXPLAIN_GAUSS_H
#define XAI__EXPLAIN_GAUSS_H

#include <xai/context.h>

/* Smooths n planes of height x width, in place: along rows, then columns, rounded to float after each. sigma is in
 * pixels, above 0, at most the longer side; the bell ends at `cut` deviations, and what lies beyond an edge is the
 * edge. */
xai_status xai__gauss_smooth(float *planes, xai_context *context, int64_t n, int64_t height, int64_t width,
                             double sigma, double cut);

#endif
