/* SPDX-License-Identifier: MIT
 * Sums in the order in which NumPy takes them, for bits that agree. */
#ifndef XAI__TREE_SUM_H
#define XAI__TREE_SUM_H

#include <stddef.h>

/* As np.sum() of a contiguous array of doubles. */
double xai__sum_pairwise(const double *numbers, size_t n);

#endif
