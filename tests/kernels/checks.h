/* SPDX-License-Identifier: MIT
 * What holds for every kernel. */
#ifndef XAI_TESTS_KERNELS_CHECKS_H
#define XAI_TESTS_KERNELS_CHECKS_H

#include "runner.h"

enum { MAX_IMAGES = 5 };

/* False, with a line that says how to repeat it, at the first thing that does not hold. */
bool check_problem(const runner *r, problem *p);

/* The same without what only the native backend promises: windows, and stages that give the same bits fused or alone.
 */
bool check_results(const runner *r, problem *p);

#endif
