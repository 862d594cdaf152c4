/* SPDX-License-Identifier: MIT
 * Gradients of a convolution's weights, whose result is no map: a check of its own. */
#ifndef XAI_TESTS_KERNELS_WEIGHTS_H
#define XAI_TESTS_KERNELS_WEIGHTS_H

#include "runner.h"

/* One random convolution: against plain loops, alone and in a batch, tasks in any order, nothing written outside. Says
 * what failed. */
bool weights_check(const runner *r, uint64_t seed);

/* Seconds of one image's gradient on the level, and billions of products a second. */
void weights_bench(const runner *r);

#endif
