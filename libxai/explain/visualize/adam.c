/* SPDX-License-Identifier: MIT
 * Adam: beta 0.9 and 0.999, epsilon 1e-8. */
#include "explain/visualize/adam.h"

#include <math.h>

#include "core/memory.h"

static const double BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-8;

xai_status xai__adam_init(xai__adam *out, xai_context *context, size_t n, double learning_rate)
{
    xai__adam adam = { .context = context, .n = n, .learning_rate = learning_rate };

    adam.mean = xai__zalloc_array(context, n, sizeof *adam.mean);
    adam.variance = xai__zalloc_array(context, n, sizeof *adam.variance);
    if (adam.mean == NULL || adam.variance == NULL) {
        xai__adam_fini(&adam);
        return XAI_E_NO_MEMORY;
    }
    *out = adam;
    return XAI_OK;
}

void xai__adam_fini(xai__adam *adam)
{
    xai__free(adam->context, adam->mean);
    xai__free(adam->context, adam->variance);
    *adam = (xai__adam){ 0 };
}

/* m += (1 - b1) (g - m); v = b2 v + (1 - b2) g^2; x -= rate / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + epsilon). The
 * order of roundings is torch's: corrections are double, all that is done n times is float. */
void xai__adam_step(xai__adam *adam, float *values, const float *gradient)
{
    double t = (double)++adam->n_steps;
    float step = (float)(-adam->learning_rate / (1 - pow(BETA1, t))), root = (float)sqrt(1 - pow(BETA2, t));
    float *restrict mean = adam->mean, *restrict variance = adam->variance;

    for (size_t i = 0; i < adam->n; i++) {
        float g = gradient[i];

        mean[i] += (float)(1 - BETA1) * (g - mean[i]);
        variance[i] = (float)BETA2 * variance[i] + (float)(1 - BETA2) * g * g;
        values[i] += step * mean[i] / (sqrtf(variance[i]) / root + (float)EPSILON);
    }
}
