/* SPDX-License-Identifier: MIT
 * What the methods of fitting share: which options are whose, and a table's targets and weights. */
#ifndef XAI__TREE_FIT_H
#define XAI__TREE_FIT_H

#include "tree/tree.h"

/* Rows N x F and targets N are checked to fit; options are read, and those that are set are the method's own. */
xai_status xai__cart_fit(xai_tree **out, const xai_tensor *rows, const xai_tensor *targets,
                         const xai_fit_options *options);

xai_status xai__dndt_fit(xai_tree **out, const xai_tensor *rows, const xai_tensor *targets,
                         const xai_fit_options *options);

/* Fills out with N class indices and says how many classes there are. */
xai_status xai__fit_classes(double *out, size_t *n_classes, const xai_tensor *targets, const xai_fit_options *options);

/* Fills out with N weights, all 1 where there are none: finite, at least 0, not all 0. */
xai_status xai__fit_weights(double *out, size_t n_rows, const xai_fit_options *options);

#endif
