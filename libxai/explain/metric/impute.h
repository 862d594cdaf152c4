/* SPDX-License-Identifier: MIT
 * Noisy linear imputation: what pixels would be if each were the weighted mean of its eight neighbours. */
#ifndef XAI__EXPLAIN_METRIC_IMPUTE_H
#define XAI__EXPLAIN_METRIC_IMPUTE_H

#include <stdbool.h>

#include <xai/context.h>

/* Replaces the pixels that are gone, in each of n_channels planes of height x width. Pixels that nothing known reaches
 * become 0. Rong et al.: A Consistent and Efficient Evaluation Strategy for Attribution Methods, ICML 2022. Any
 * thread. */
xai_status xai__impute(float *image, xai_context *context, const bool *is_gone, size_t n_channels, size_t height,
                       size_t width);

#endif
