/* SPDX-License-Identifier: MIT
 * Parameterisations: the numbers that are optimised, the pictures they stand for, and the way back of gradients. */
#ifndef XAI__EXPLAIN_VISUALIZE_PARAMETERISATION_H
#define XAI__EXPLAIN_VISUALIZE_PARAMETERISATION_H

#include "core/threads.h"
#include "explain/visualize/fourier.h"
#include "io/image.h"

/* Pictures are planes of red, green and blue, 0 to 1, one picture behind the other. */
typedef struct xai__parameterisation {
    xai_context *context;
    bool is_fourier;    /* else pixels */
    bool is_correlated; /* parameters are red, green and blue themselves */
    size_t n_pictures, height, width;
    size_t n_plane;  /* parameters of a plane */
    size_t n_values; /* parameters in all */
    float *values;
    xai__fourier fourier;
    float *scale; /* of a spectrum: low frequencies count more, as in photographs */
    float *raw;   /* planes before their colours are mixed */
    float *scratch;
    size_t lane; /* floats of a lane's scratch */
} xai__parameterisation;

/* Sizes and flags of `out` are set. On failure there is nothing to free. */
xai_status xai__parameterisation_init(xai__parameterisation *out, xai_context *context);
void xai__parameterisation_fini(xai__parameterisation *p);

/* Normal numbers; a picture's depend on its index and the seed only. */
void xai__parameterisation_start(xai__parameterisation *p, uint64_t seed, double deviation);

/* Parameters of which all pictures look like this one, which has their size; colours stay a little off 0 and 1. */
void xai__parameterisation_imitate(xai__parameterisation *p, const xai_image *image);

void xai__parameterisation_draw(float *pictures, xai__parameterisation *p, xai__team *team);

/* gradient: of the parameters; what is given is the gradient of the pictures that were drawn last. */
void xai__parameterisation_gradient(float *gradient, xai__parameterisation *p, const float *pictures,
                                    const float *of_pictures, xai__team *team);

#endif
