/* SPDX-License-Identifier: MIT
 * Gradient saliency: gradients at many points, batch by batch, added up in a fixed order. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/cam/cam.h"
#include "explain/saliency/saliency.h"

/* Larger batches are no faster, but their activations take memory, and they say less often how far they are. */
enum { MAX_BATCH = 2 };

/* Pixels whose channels are reduced together. */
enum { REDUCED = 64 };

/* Gradients, beside the session's arena, take this share of its budget. */
enum { BUDGET_SHARE = 8 };

static size_t batch_size(const xai__saliency *s)
{
    uint64_t budget = s->run.memory_budget != 0 ? s->run.memory_budget : s->session->memory_budget / BUDGET_SHARE,
             image = (uint64_t)s->n_elements * sizeof(float) * (1 + s->targets.n), n = budget / image;

    return n < 1 ? 1 : n < MAX_BATCH ? (size_t)n : MAX_BATCH;
}

/* Images of the input's shape. */
static xai_status create_images(xai_tensor **out, const xai__saliency *s, size_t n)
{
    const int64_t *one = s->input->shape, shape[4] = { (int64_t)n, one[1], one[2], one[3] };

    return xai__tensor_create(out, s->input->object.context, shape, 4);
}

/* --- scores at the ends --- */

/* Before noise is added or a path walked: the top class is that of the input itself. */
static void resolve_targets(xai__saliency *s)
{
    for (size_t i = 0; i < s->targets.n; i++)
        xai__target_resolve(&s->targets.items[i], s->ends->data, s->n_value);
}

/* Before any point that is not the input itself: what the top class is there, and the scores that a path connects. */
static xai_status look_at_ends(xai__saliency *s)
{
    size_t n = s->baseline != NULL ? 2 : 1;
    xai_tensor *images = NULL;
    xai__request request = { .feed = s->session->model->graph.input, .fetches = &s->targets.values[0], .n_fetches = 1 };
    xai_status status = create_images(&images, s, n);

    if (status < 0)
        return status;
    memcpy(images->data, s->input->data, s->n_elements * sizeof(float));
    if (s->baseline != NULL)
        memcpy(images->data + s->n_elements, s->baseline, s->n_elements * sizeof(float));
    request.fed = images;
    status = xai__session_run(&s->ends, s->session, &request);
    xai_tensor_unref(images);
    return status;
}

/* --- gradients --- */

static double weight_of(const xai__saliency *s, size_t point)
{
    return s->weights != NULL ? s->weights[point] : 1;
}

/* The first one finds no sums yet; to a zero it adds, so that -0 becomes 0 as it does later. */
static void add_terms(double *sum, const float *gradient, size_t n, double weight, bool takes_absolute, bool is_first)
{
    if (is_first)
        for (size_t i = 0; i < n; i++)
            sum[i] = 0.0 + weight * (takes_absolute ? fabs((double)gradient[i]) : gradient[i]);
    else
        for (size_t i = 0; i < n; i++)
            sum[i] += weight * (takes_absolute ? fabs((double)gradient[i]) : gradient[i]);
}

/* Sums are targets x elements, the squares behind all of them. Double, for a hundred samples of both signs cancel. */
static void add_gradient(const xai__saliency *s, size_t target, const float *gradient, double weight, bool is_first)
{
    double *sum = s->sums + target * s->n_elements, *squares = sum + s->targets.n * s->n_elements;

    add_terms(sum, gradient, s->n_elements, weight, s->takes_absolute, is_first);
    for (size_t i = 0; s->method->has_squares && i < s->n_elements; i++)
        squares[i] = (is_first ? 0.0 : squares[i]) + weight * gradient[i] * gradient[i];
}

/* In the order of the points whatever the batches, so that these change no bit. */
static void add_batch(xai__saliency *s, xai_tensor *const *gradients, size_t n)
{
    for (size_t t = 0; t < s->targets.n; t++)
        for (size_t i = 0; i < n; i++)
            add_gradient(s, t, gradients[t]->data + i * s->n_elements, weight_of(s, s->n_done + i), s->n_done + i == 0);
    for (size_t i = 0; i < n; i++)
        s->weight_done += weight_of(s, s->n_done + i);
    s->n_done += n;
}

/* Forward once, backward once a target, all images at once. The first pass of a method without points is at the input,
 * so its value serves for the scores; with points look_at_ends() came before. */
static xai_status differentiate(xai__saliency *s, const xai_tensor *images, size_t n)
{
    const xai__graph *graph = &s->session->model->graph;
    xai_context *context = s->input->object.context;
    xai_tensor *values[2] = { NULL, NULL }, **gradients = xai__zalloc_array(context, s->targets.n, sizeof *gradients);
    const int32_t fetches[2] = { s->targets.values[0], s->shares_pass ? s->cam->layers[0] : -1 };
    const xai__backward backward = { .of = s->targets.values[0],
                                     .rule = s->method->relu_rule,
                                     .wrt = &graph->input,
                                     .n_wrt = 1,
                                     .n_targets = s->targets.n,
                                     .seed = xai__targets_seed,
                                     .user = &s->targets,
                                     .out = gradients };
    const xai__request request = { .feed = graph->input,
                                   .fed = images,
                                   .fetches = fetches,
                                   .n_fetches = s->shares_pass ? 2 : 1,
                                   .backward = &backward };
    xai_status status = gradients != NULL ? xai__session_run(values, s->session, &request) : XAI_E_NO_MEMORY;

    if (status == XAI_OK)
        add_batch(s, gradients, n);
    for (size_t i = 0; gradients != NULL && i < s->targets.n; i++)
        xai_tensor_unref(gradients[i]);
    xai__free(context, gradients);
    if (s->ends == NULL)
        s->ends = values[0];
    else
        xai_tensor_unref(values[0]);
    s->layer = values[1];
    return status;
}

static xai_status run_batch(xai__saliency *s)
{
    size_t n = s->n_points - s->n_done, most = batch_size(s);
    xai_tensor *images = NULL;
    xai_status status;

    if (s->method->point == NULL)
        return differentiate(s, s->input, 1);
    n = n < most ? n : most;
    status = create_images(&images, s, n);
    for (size_t i = 0; i < n && status == XAI_OK; i++)
        s->method->point(s, s->n_done + i, images->data + i * s->n_elements);
    if (status == XAI_OK)
        status = differentiate(s, images, n);
    xai_tensor_unref(images);
    return status;
}

/* Once a watcher has said stop, targets that come later still get one batch. */
static xai_status run_batches(xai__saliency *s)
{
    xai_status status;

    do {
        status = run_batch(s);
        if (status < 0)
            return status;
        if (s->run.progress != NULL && s->run.progress(s->n_done, s->n_points, s->run.user) != 0 &&
            s->n_done < s->n_points)
            return XAI_PARTIAL;
    } while (s->n_done < s->n_points);
    return XAI_OK;
}

/* --- maps --- */

/* Pixels in a row of one channel after another, which processors take several of at once. */
static void reduce_pixels(float *map, const double *gradient, size_t n_channels, size_t n_pixels, size_t n,
                          uint32_t reduction)
{
    double value[REDUCED] = { 0 };

    for (size_t c = 0; c < n_channels; c++, gradient += n_pixels)
        if (reduction == XAI__SUM_OF_CHANNELS)
            for (size_t i = 0; i < n; i++)
                value[i] += gradient[i];
        else
            for (size_t i = 0; i < n; i++)
                value[i] = fabs(gradient[i]) > value[i] ? fabs(gradient[i]) : value[i];
    for (size_t i = 0; i < n; i++)
        map[i] = (float)value[i];
}

/* One number a pixel. Sums keep signs, so what colours say against each other cancels; magnitudes do not, so the
 * largest counts. */
static void reduce_channels(float *map, const double *gradient, size_t n_channels, size_t n_pixels, uint32_t reduction)
{
    for (size_t i = 0; i < n_pixels; i += REDUCED)
        reduce_pixels(map + i, gradient + i, n_channels, n_pixels, n_pixels - i < REDUCED ? n_pixels - i : REDUCED,
                      reduction);
}

/* Kept channels of an unsigned map are magnitudes too. */
static void keep_channels(float *map, const double *gradient, size_t n, uint32_t reduction)
{
    for (size_t i = 0; i < n; i++)
        map[i] = (float)(reduction == XAI__LARGEST_CHANNEL ? fabs(gradient[i]) : gradient[i]);
}

static xai_status create_map(xai_attribution *a, const xai__saliency *s, const double *gradient)
{
    const int64_t *shape = s->input->shape + 1;
    bool keeps = (s->options.flags & XAI_SALIENCY_KEEP_CHANNELS) != 0;
    size_t n_pixels = (size_t)(shape[1] * shape[2]);
    xai_status status = xai__tensor_create(&a->map, a->object.context, keeps ? shape : shape + 1, keeps ? 3 : 2);

    if (status < 0)
        return status;
    if (keeps)
        keep_channels(a->map->data, gradient, s->n_elements, s->method->reduction);
    else
        reduce_channels(a->map->data, gradient, (size_t)shape[0], n_pixels, s->method->reduction);
    return XAI_OK;
}

static xai_status finish_target(xai_attribution **out, xai__saliency *s, size_t target)
{
    double *sum = s->sums + target * s->n_elements, *squares = sum + s->targets.n * s->n_elements;
    xai_attribution *a = NULL;
    xai_status status = xai__attribution_create(&a, s->session, s->input, s->ends->data, s->n_value,
                                                &s->targets.items[target]);

    if (status < 0)
        return status;
    a->method = s->method->name;
    a->profile = s->profile;
    a->is_signed = s->method->is_signed;
    if (s->method->end != NULL)
        s->method->end(s, a, target, sum, s->method->has_squares ? squares : NULL);
    status = create_map(a, s, sum);
    if (status < 0)
        xai_attribution_unref(a);
    else
        *out = a;
    return status;
}

/* Points and their memory, scores at the ends, sums over all points, then a map a target. A stop between leaves maps of
 * the points so far. */
static xai_status compute(xai_attribution **out, xai__saliency *s)
{
    size_t n_sums = s->method->has_squares ? 2 : 1, size;
    xai_status status = XAI_OK, remark;

    s->n_points = 1;
    if (s->method->begin != NULL)
        status = s->method->begin(s);
    if (status == XAI_OK && s->method->point != NULL)
        status = look_at_ends(s);
    if (status < 0)
        return status;
    if (!xai__mul_size(&size, n_sums * s->targets.n, s->n_elements))
        return xai__fail_memory();
    s->sums = xai__alloc_array(s->input->object.context, size, sizeof *s->sums);
    if (s->sums == NULL)
        return XAI_E_NO_MEMORY;
    if (s->ends != NULL)
        resolve_targets(s);
    remark = run_batches(s);
    if (s->shares_pass && remark >= 0)
        status = xai__saliency_find_regions(s);
    for (size_t i = 0; i < s->targets.n && remark >= 0 && status == XAI_OK; i++)
        status = finish_target(&out[i], s, i);
    return status < 0 ? status : remark;
}

/* All of it is NULL until it is made. */
static void clean_up(xai__saliency *s)
{
    xai_context *context = s->input->object.context;

    for (size_t i = 0; s->activation != NULL && i < s->targets.n; i++)
        xai_attribution_unref(s->activation[i]);
    for (size_t i = 0; s->regions != NULL && i < s->targets.n; i++)
        xai_tensor_unref(s->regions[i]);
    xai_cam_unref(s->cam);
    xai_tensor_unref(s->ends);
    xai_tensor_unref(s->layer);
    xai__free(context, s->activation);
    xai__free(context, s->regions);
    xai__free(context, s->sums);
    xai__free(context, s->nodes);
    xai__free(context, s->weights);
    xai__free(context, s->baseline);
}

xai_status xai__saliency_run(xai_attribution **out, xai__saliency *s)
{
    xai_status status;

    s->n_elements = s->input->size;
    s->n_value = s->session->model->graph.values[s->targets.values[0]].size;
    status = compute(out, s);
    if (status < 0)
        xai__attributions_drop(out, s->targets.n);
    clean_up(s);
    return status;
}
