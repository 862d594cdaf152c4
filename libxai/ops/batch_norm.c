/* SPDX-License-Identifier: MIT
 * Batch normalisation with stored statistics: x 1xCx..., then gamma, beta, mean, variance, each C. */
#include <math.h>

#include "core/error.h"
#include "ops/op.h"
#include "ops/shape.h"

static xai_status shape_batch_norm(const xai__op_shapes *shapes)
{
    const xai__value *x = shapes->values[0];

    if (x->rank < 2)
        return xai__fail(XAI_E_SHAPE, "input has %u dimensions, expected at least 2", x->rank);
    for (size_t i = 1; i < shapes->n_inputs; i++) {
        xai_status status = xai__shape_vector(shapes, i, x->shape[1]);

        if (status < 0)
            return status;
    }
    return xai__shape_same(shapes);
}

void xai__batch_norm_affine(float *scale, float *shift, size_t n, const float *const gamma_beta_mean_variance[4],
                            float epsilon)
{
    const float *const *p = gamma_beta_mean_variance;

    for (size_t c = 0; c < n; c++) {
        double factor = p[0][c] / sqrt((double)p[3][c] + epsilon);

        scale[c] = (float)factor;
        shift[c] = (float)(p[1][c] - p[2][c] * factor);
    }
}

static void compute_batch_norm(const xai__op_run *run)
{
    int64_t channels = run->value->shape[1], maps = run->value->shape[0] * channels;
    int64_t n = maps > 0 ? (int64_t)run->value->size / maps : 0;

    for (int64_t map = 0; map < maps; map++) {
        int64_t c = map % channels;
        const float *const p[4] = { run->inputs[1] + c, run->inputs[2] + c, run->inputs[3] + c, run->inputs[4] + c };
        float scale, shift;

        xai__batch_norm_affine(&scale, &shift, 1, p, run->attributes->epsilon);
        for (int64_t i = map * n; i < (map + 1) * n; i++)
            run->out[i] = (float)((double)run->inputs[0][i] * scale + shift);
    }
}

const xai__op_row xai__op_batch_norm = { "BatchNormalization", 5, 5, shape_batch_norm, compute_batch_norm, NULL };
