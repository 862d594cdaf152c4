/* SPDX-License-Identifier: MIT
 * What the processor can do. */
#ifndef XAI__CORE_CPU_H
#define XAI__CORE_CPU_H

#include <stddef.h>
#include <stdint.h>

enum xai__cpu_feature {
    XAI__CPU_AVX2 = 1,   /* with FMA */
    XAI__CPU_AVX512 = 2, /* F, BW, DQ and VL */
    XAI__CPU_SHA = 4,
    XAI__CPU_NEON = 8,
    XAI__CPU_F16C = 16 /* converts halves */
};

/* Features that processor and operating system both offer. Asks the processor each time. */
uint64_t xai__cpu_features(void);

/* Cores this process may use; at least 1. */
uint32_t xai__cpu_count(void);

/* Name of the i-th feature that is set, for descriptions; NULL behind the last. */
const char *xai__cpu_feature_name(uint64_t features, size_t index);

#endif
