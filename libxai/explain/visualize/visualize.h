/* SPDX-License-Identifier: MIT
 * A visualisation in progress, as its parts see it. */
#ifndef XAI__EXPLAIN_VISUALIZE_VISUALIZE_H
#define XAI__EXPLAIN_VISUALIZE_VISUALIZE_H

#include <xai/visualize.h>

#include "explain/visualize/adam.h"
#include "explain/visualize/objective.h"
#include "explain/visualize/parameterisation.h"
#include "explain/visualize/transform.h"
#include "runtime/session.h"

/* Buffers hold all pictures, one behind the other; pictures and their gradients are planes of the picture's size, what
 * is seen and its gradient are planes of the model's. */
typedef struct xai__visualization {
    xai_session *session;
    xai_context *context;
    const xai__transform_profile *profile;
    xai_visualize_options options; /* defaults filled in */
    xai_run_options run;
    size_t n_pictures, picture_size, seen_size; /* sizes: floats of a picture */
    xai__objectives objectives;
    xai__parameterisation parameters;
    xai__adam adam;
    xai__transform transform; /* of the present step */
    int32_t *layers;          /* the distinct values that terms are functions of */
    size_t n_layers;
    float *pictures, *of_pictures, *of_parameters, *of_seen;
    xai_tensor *seen;
    float *seeds;         /* of terms that couple pictures; NULL: there are none */
    float *scratch;       /* of transforms, a lane each */
    size_t largest, lane; /* floats of the largest plane; of a lane's scratch */
    float *trace;
    size_t n_done;
    xai_image **images; /* of the latest look; NULL: none was taken */
} xai__visualization;

/* Runs the steps. XAI_PARTIAL if a callback stopped it. */
xai_status xai__visualization_run(xai__visualization *v);

/* Draws the parameters as they are now into images, in place of those of an earlier look. */
xai_status xai__visualization_look(xai__visualization *v);

/* Adds to of_seen the gradients of what layers are asked for, at `seen`. (visualize_gradient.c) */
xai_status xai__visualization_differentiate(xai__visualization *v);

#endif
