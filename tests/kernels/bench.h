/* SPDX-License-Identifier: MIT
 * Timings of kernels; never a pass or fail. */
#ifndef XAI_TESTS_KERNELS_BENCH_H
#define XAI_TESTS_KERNELS_BENCH_H

#include "runner.h"

/* Multiply-adds in registers; returns how many floating-point operations it did. sink: 32 floats. */
double peak_flop_baseline(size_t rounds, float *sink);
double peak_flop_avx2(size_t rounds, float *sink);
double peak_flop_avx512(size_t rounds, float *sink);

/* Prints GFLOP/s and the share of the peak, a shape a line. */
void bench_level(const runner *r);

#endif
