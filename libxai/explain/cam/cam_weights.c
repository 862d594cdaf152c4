/* SPDX-License-Identifier: MIT
 * What a channel, or an element of it, is worth: from gradients and activations, or from the classifier. */
#include "explain/cam/cam.h"

/* --- weights of channels --- */

static double sum_of(const float *x, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* Grad-CAM. */
double xai__cam_mean_gradient(const float *a, const float *g, int64_t n)
{
    (void)a;
    return sum_of(g, n) / (double)n;
}

/* Grad-CAM++, equation 19: the score is taken for exp(S), so that its higher derivatives are powers of the first. */
double xai__cam_plus_plus(const float *a, const float *g, int64_t n)
{
    double total = sum_of(a, n), weight = 0;

    for (int64_t i = 0; i < n; i++) {
        double square = (double)g[i] * g[i];

        if (g[i] > 0)
            weight += g[i] * square / (2 * square + total * square * g[i] + 1e-6);
    }
    return weight;
}

/* torchcam means to divide, but divides a copy: what counts is the square alone. */
double xai__cam_plus_plus_torchcam(const float *a, const float *g, int64_t n)
{
    double weight = 0;

    (void)a;
    for (int64_t i = 0; i < n; i++)
        if (g[i] > 0)
            weight += (double)g[i] * g[i] * g[i];
    return weight;
}

static double axiom(const float *a, const float *g, int64_t n, double epsilon)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * g[i];
    return sum / (sum_of(a, n) + epsilon);
}

/* XGrad-CAM. */
double xai__cam_axiom(const float *a, const float *g, int64_t n)
{
    return axiom(a, g, n, 1e-7);
}

double xai__cam_axiom_torchcam(const float *a, const float *g, int64_t n)
{
    return axiom(a, g, n, 1e-8);
}

/* --- worth of elements --- */

/* LayerCAM. */
float xai__cam_layer_element(float a, float g)
{
    return g > 0 ? g * a : 0;
}

/* HiResCAM, EigenGradCAM. */
float xai__cam_product(float a, float g)
{
    return g * a;
}

float xai__cam_rectified_product(float a, float g)
{
    return g * a > 0 ? g * a : 0;
}

/* EigenCAM. */
float xai__cam_activation(float a, float g)
{
    (void)g;
    return a;
}

/* --- the classifier --- */

/* Weight of channel k for a class; of a map a class (SqueezeNet), that class's own. */
static double class_weight(const xai__classifier *c, int64_t index, int64_t k)
{
    return c->is_map ? k == index : c->weights[index * c->n_inputs + k];
}

/* Plain CAM; of a margin, the difference. */
xai_status xai__cam_classifier_weights(double *out, const xai__cam_pass *pass, size_t layer)
{
    const xai__classifier *c = &pass->cam->classifier;
    int64_t n_channels = xai__cam_layer(pass->cam, layer)->shape[1];

    for (size_t t = 0; t < pass->targets->n; t++) {
        const xai_target *target = &pass->targets->items[t];

        for (int64_t k = 0; k < n_channels; k++) {
            double weight = class_weight(c, target->index, k);

            if (target->score == XAI_SCORE_MARGIN)
                weight -= class_weight(c, target->against, k);
            out[(int64_t)t * n_channels + k] = weight;
        }
    }
    return XAI_OK;
}
