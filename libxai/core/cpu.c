/* SPDX-License-Identifier: MIT
 * What the processor can do. */
#include "core/cpu.h"

#include <sched.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* The operating system must save the registers too, which XCR0 tells: bits 1-2 for AVX, 5-7 as well for AVX-512. */
static uint64_t enabled_state(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* Features as sets that the kernels are compiled for: AVX2 stands for AVX2 and FMA, AVX-512 for F, DQ, BW and VL. */
uint64_t xai__cpu_features(void)
{
    const uint32_t osxsave_avx_fma = 1u << 27 | 1u << 28 | 1u << 12, f16c = 1u << 29;
    const uint32_t avx512_f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    uint32_t eax, ebx, ecx, edx, leaf1;
    uint64_t features = 0, state;

    if (!__get_cpuid(1, &eax, &ebx, &leaf1, &edx) || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
        return 0;
    if (ebx & 1u << 29) /* works on SSE registers, which every system saves */
        features |= XAI__CPU_SHA;
    if ((leaf1 & osxsave_avx_fma) != osxsave_avx_fma)
        return features;
    state = enabled_state();
    if ((state & 0x06) == 0x06 && ebx & 1u << 5)
        features |= XAI__CPU_AVX2;
    if ((state & 0x06) == 0x06 && leaf1 & f16c)
        features |= XAI__CPU_F16C;
    if ((state & 0xe6) == 0xe6 && (ebx & avx512_f_dq_bw_vl) == avx512_f_dq_bw_vl && features & XAI__CPU_AVX2)
        features |= XAI__CPU_AVX512;
    return features;
}
#elif defined(__aarch64__)
uint64_t xai__cpu_features(void)
{
    return XAI__CPU_NEON;
}
#else
uint64_t xai__cpu_features(void)
{
    return 0;
}
#endif

uint32_t xai__cpu_count(void)
{
    cpu_set_t set;
    long online;

    /* What this process may use, in a container or under taskset, not what the machine has. */
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (uint32_t)CPU_COUNT(&set);
    online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (uint32_t)online : 1;
}

const char *xai__cpu_feature_name(uint64_t features, size_t index)
{
    static const char *const names[] = { "avx2", "avx512", "sha", "neon", "f16c" };

    for (size_t bit = 0; bit < sizeof names / sizeof *names; bit++)
        if (features >> bit & 1 && index-- == 0)
            return names[bit];
    return NULL;
}
