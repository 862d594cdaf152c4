/* SPDX-License-Identifier: MIT
 * How many multiply-adds this processor can do: independent ones in registers, nothing else. */
#include "backends/native/vec.h"

#include "bench.h"

enum { N = PARTS == 1 ? 12 : PARTS == 2 ? 6 : 3 };

/* Does 32 * N floating-point operations a round. */
double XAI__ISA(peak_flop)(size_t rounds, float *sink)
{
    vec acc[N];
    const vec a = vec_load(sink), b = vec_load(sink + 16);

    UNROLLED for (int i = 0; i < N; i++) acc[i] = vec_set1((float)i);
    for (size_t r = 0; r < rounds; r++)
        UNROLLED for (int i = 0; i < N; i++) acc[i] = vec_fma(a, b, acc[i]);
    for (int i = 1; i < N; i++)
        acc[0] = vec_add(acc[0], acc[i]);
    vec_store(sink, acc[0]);
    return (double)rounds * 32 * N;
}
