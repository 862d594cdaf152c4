/* SPDX-License-Identifier: MIT
 * Baselines: what the place of a pixel holds when the pixel is taken away. */
#ifndef XAI__EXPLAIN_BASELINE_H
#define XAI__EXPLAIN_BASELINE_H

#include "core/tensor.h"

/* A baseline for an image, 1 x C x H x W, of the same shape. All create new references. */
xai_status xai__baseline_value(xai_tensor **out, const xai_tensor *image, float value);
xai_status xai__baseline_mean(xai_tensor **out, const xai_tensor *image); /* of each channel */
xai_status xai__baseline_blur(xai_tensor **out, const xai_tensor *image, double sigma);

#endif
