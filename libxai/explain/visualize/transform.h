/* SPDX-License-Identifier: MIT
 * Random transforms between a picture and what the model sees, so that no single pixel can matter, as lucid and lucent
 * draw them. */
#ifndef XAI__EXPLAIN_VISUALIZE_TRANSFORM_H
#define XAI__EXPLAIN_VISUALIZE_TRANSFORM_H

#include "core/threads.h"
#include "explain/visualize/warp.h"
#include "model/model.h"

enum { XAI__MAX_WARPS = 7 };

/* How a profile computes what both originals call by the same names. */
typedef struct xai__transform_profile {
    const char *name;
    double half_turn;   /* radians of 180 degrees */
    bool shrinks;       /* jitter cuts a part out, in place of shifting the whole */
    bool scales_legacy; /* TensorFlow 1's bilinear scaling to sizes rounded down, in place of torch's to sizes rounded
                           up, padded back */
    bool turns_nearest; /* rotation takes the nearest pixel */
    bool stretches; /* shifts and turns as kornia 0.4 computes them: in units of n / (n - 1) pixels along a side of n */
    bool redirects; /* rectifiers let the gradient of what is dead through in the first steps */
} xai__transform_profile;

/* One step's transforms, the same for all pictures: warps, one after the other. */
typedef struct xai__transform {
    xai__warp warps[XAI__MAX_WARPS];
    size_t n;
} xai__transform;

/* NULL with the message set if there is none of that name; NULL as a name is "default". */
const xai__transform_profile *xai__transform_profile_find(const char *name);

/* The transforms of a step and the resize to the model's input; profile NULL: only that. */
void xai__transform_draw(xai__transform *out, const xai__transform_profile *profile, size_t height, size_t width,
                         size_t to_height, size_t to_width, uint64_t seed, size_t step);

/* Floats of the largest plane that any step passes through. */
size_t xai__transform_largest(size_t height, size_t width, size_t to_height, size_t to_width);

/* One picture, n_planes of it, through all warps. scratch: twice n_planes planes of the largest size. */
void xai__transform_run(float *out, const xai__transform *transform, const float *picture, size_t n_planes,
                        float *scratch, size_t largest);
void xai__transform_adjoint(float *picture, const xai__transform *transform, const float *out, size_t n_planes,
                            float *scratch, size_t largest);

#endif
