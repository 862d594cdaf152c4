/* SPDX-License-Identifier: MIT
 * What a channel, or an element of it, is worth: from gradients and activations, or from the classifier. */
#include "core/memory.h"
#include "explain/cam/cam.h"

/* --- weights of channels --- */

static double sum_of(const float *x, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* Grad-CAM, equation 1: the gradient averaged over the map. */
double xai__cam_mean_gradient(const float *a, const float *g, int64_t n)
{
    (void)a;
    return sum_of(g, n) / (double)n;
}

/* Grad-CAM++, equation 19: the score is taken for exp(S), so that its higher derivatives are powers of the first. With
 * A the sum of the activations the coefficient is g^2 / (2 g^2 + A g^3 + 1e-6), and the weight the sum of it times g
 * where that is positive. The epsilon is pytorch-grad-cam's. */
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

/* The sum of A g over that of A; the epsilon alone tells the profiles apart. */
static double axiom(const float *a, const float *g, int64_t n, double epsilon)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (double)a[i] * g[i];
    return sum / (sum_of(a, n) + epsilon);
}

/* XGrad-CAM: its weights hold sensitivity and conservation as nearly as a weight a channel can. */
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

/* Grad-CAM by elements: what speaks against the score is dropped before the channels are added up, not after. */
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

/* Weights of the channels for a class; of a map a class (SqueezeNet), that class's own. */
static void read_class(float *out, const xai__classifier *c, int64_t index, size_t n_channels)
{
    if (!c->is_map) {
        xai__constant_read(out, &c->weights, (size_t)(index * c->n_inputs), n_channels);
        return;
    }
    for (size_t k = 0; k < n_channels; k++)
        out[k] = k == (size_t)index;
}

/* Plain CAM; of a margin, the difference. */
xai_status xai__cam_classifier_weights(double *out, const xai__cam_pass *pass, size_t layer)
{
    const xai__classifier *c = &pass->cam->classifier;
    xai_context *context = pass->cam->object.context;
    size_t n_channels = (size_t)xai__cam_layer(pass->cam, layer)->shape[1];
    float *row = xai__alloc_array(context, n_channels, sizeof *row);

    if (row == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t t = 0; t < pass->targets->n; t++, out += n_channels) {
        const xai_target *target = &pass->targets->items[t];

        read_class(row, c, target->index, n_channels);
        for (size_t k = 0; k < n_channels; k++)
            out[k] = row[k];
        if (target->score != XAI_SCORE_MARGIN)
            continue;
        read_class(row, c, target->against, n_channels);
        for (size_t k = 0; k < n_channels; k++)
            out[k] -= row[k];
    }
    xai__free(context, row);
    return XAI_OK;
}
