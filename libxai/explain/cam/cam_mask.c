/* SPDX-License-Identifier: MIT
 * What channels and positions are worth to a score, found by trying: Score-CAM, Ablation-CAM, Recipro-CAM. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/cam/cam.h"
#include "io/resample.h"

/* pytorch-grad-cam ablates this many channels at a time, and each takes the step below the lowest value so far. */
enum { ABLATED_AT_ONCE = 32, MOST_AT_ONCE = 64 };
static const float ABLATION_STEP = 1e7f;

/* A series of forward passes, each from another version of a value. */
typedef struct trials {
    const xai__cam_pass *pass;
    size_t layer;
    size_t count;
    int32_t value;      /* which versions are of: the layer, or the input */
    const float *plain; /* its elements as they are */
    int64_t c, h, w;    /* of the layer */
    float *small;       /* Score-CAM: room for a channel, h x w, */
    float *mask;        /* and for the mask it becomes, the input's H x W */
    float low;          /* Ablation-CAM: what an ablated channel holds */
    bool is_cut;        /* the value is all that the score needs; else it is replaced within whole passes */
    xai_status (*make)(float *out, const struct trials *trials, size_t which);
} trials;

/* --- running them --- */

/* Is there no way from the input to the scores but through the value? */
xai_status xai__cam_is_cut(bool *out, const xai_cam *cam, int32_t value, const xai__targets *targets)
{
    const xai__graph *graph = &cam->session->model->graph;
    bool *needed = xai__zalloc_array(cam->object.context, graph->n_values, sizeof *needed);

    if (needed == NULL)
        return XAI_E_NO_MEMORY;
    xai__graph_mark_computed(needed, graph, &value, 1, targets->values, targets->n);
    *out = value == graph->input || !needed[graph->input];
    xai__free(cam->object.context, needed);
    return XAI_OK;
}

/* Versions at a time: those of whole passes also hold the maps in between, which are not larger than a few times the
 * largest. */
static size_t batch_size(const trials *t)
{
    const xai_session *session = t->pass->cam->session;
    const xai__graph *graph = &session->model->graph;
    size_t largest = graph->values[t->value].size;
    uint64_t n;

    for (size_t i = 0; i < graph->n_values && !t->is_cut; i++)
        if (!xai__graph_is_constant(graph, (int32_t)i) && graph->values[i].size > largest)
            largest = graph->values[i].size;
    n = session->memory_budget / (4 * sizeof(float) * (uint64_t)largest);
    n = n < 1 ? 1 : n > MOST_AT_ONCE ? MOST_AT_ONCE : n;
    return n < t->count ? (size_t)n : t->count;
}

/* Made anew for every batch, because the last one is smaller; a batch costs far more than its memory. */
static xai_status create_batch(xai_tensor **out, const trials *t, int32_t value, size_t n)
{
    const xai__value *v = &t->pass->cam->session->model->graph.values[value];
    const int64_t shape[4] = { (int64_t)n, v->shape[1], v->shape[2], v->shape[3] };

    return xai__tensor_create(out, t->pass->cam->object.context, shape, 4);
}

/* Scores of every target, at scores[target * count + first on]. */
static xai_status run_batch(double *scores, const trials *t, int32_t feed, const xai_tensor *fed, size_t first)
{
    const xai__targets *targets = t->pass->targets;
    const xai_model *model = targets->model;
    xai_status status = XAI_OK;

    for (size_t at = 0, end; at < targets->n && status == XAI_OK; at = end) {
        xai_tensor *fetched = NULL;
        xai__targets part;

        end = xai__targets_share(&part, targets, at);
        status = xai__session_run(&fetched, t->pass->cam->session,
                                  &(xai__request){ .feed = feed, .fed = fed, .fetches = part.values, .n_fetches = 1 });
        for (size_t i = 0; i < part.n && status == XAI_OK; i++) {
            size_t n = model->graph.values[part.values[i]].size, n_images = (size_t)fed->shape[0];

            for (size_t image = 0; image < n_images; image++)
                scores[(at + i) * t->count + first + image] = xai__target_score(&part.items[i], model,
                                                                                fetched->data + image * n, n);
        }
        xai_tensor_unref(fetched);
    }
    return status;
}

/* An edit hook behind the caller's own: what they left is what was fetched, and so what the versions are made of. */
static int32_t replace(xai_hook *hook, xai_tensor *value, void *user)
{
    const xai_tensor *versions = user;

    (void)hook;
    memcpy(value->data, versions->data, value->size * sizeof(float));
    return 0;
}

/* Whole passes of the same input, in which the versions take the value's place. */
static xai_status run_replaced(double *scores, const trials *t, xai_tensor *versions, size_t first)
{
    const xai__cam_pass *pass = t->pass;
    const xai__graph *graph = &pass->cam->session->model->graph;
    size_t n = (size_t)versions->shape[0];
    xai_tensor *inputs = NULL;
    xai_hook *hook = NULL;
    xai_status status = create_batch(&inputs, t, graph->input, n);

    for (size_t i = 0; i < n && status == XAI_OK; i++)
        memcpy(inputs->data + i * pass->input->size, pass->input->data, pass->input->size * sizeof(float));
    if (status == XAI_OK)
        status = xai_hook_attach(&hook, pass->cam->session, graph->values[t->value].name, XAI_HOOK_EDIT, replace,
                                 versions, NULL);
    if (status == XAI_OK)
        status = run_batch(scores, t, graph->input, inputs, first);
    xai_hook_unref(hook);
    xai_tensor_unref(inputs);
    return status;
}

/* What was fetched of a layer has gone through the caller's edit hooks. Fed, it would go through them once more. */
static xai_status choose_route(trials *t)
{
    const xai_cam *cam = t->pass->cam;

    if (t->value != cam->session->model->graph.input && xai__session_is_edited(cam->session))
        return XAI_OK;
    return xai__cam_is_cut(&t->is_cut, cam, t->value, t->pass->targets);
}

/* The bits do not depend on the size of the batches: no kernel mixes images. */
static xai_status run_trials(double *scores, trials *t)
{
    size_t size = t->pass->cam->session->model->graph.values[t->value].size, most;
    xai_status status = choose_route(t);

    most = status == XAI_OK ? batch_size(t) : 1;
    for (size_t first = 0; first < t->count && status == XAI_OK; first += most) {
        size_t n = t->count - first < most ? t->count - first : most;
        xai_tensor *versions = NULL;

        status = create_batch(&versions, t, t->value, n);
        for (size_t i = 0; i < n && status == XAI_OK; i++)
            status = t->make(versions->data + i * size, t, first + i);
        if (status == XAI_OK)
            status = t->is_cut ? run_batch(scores, t, t->value, versions, first)
                               : run_replaced(scores, t, versions, first);
        xai_tensor_unref(versions);
    }
    return status;
}

/* A trial a channel, at the layer itself, is what two of the three methods want; the third changes what differs. */
static trials begin(const xai__cam_pass *pass, size_t layer)
{
    const xai__value *value = xai__cam_layer(pass->cam, layer);

    return (trials){ .pass = pass,
                     .layer = layer,
                     .count = (size_t)value->shape[1],
                     .value = pass->cam->layers[layer],
                     .plain = pass->activations[layer]->data,
                     .c = value->shape[1],
                     .h = value->shape[2],
                     .w = value->shape[3] };
}

/* --- Score-CAM --- */

/* Both originals add their epsilon to the range; a channel that is the same everywhere becomes a mask of zeros. */
static void scale(float *map, size_t n, float epsilon)
{
    float low = map[0], high = map[0];

    for (size_t i = 1; i < n; i++) {
        low = map[i] < low ? map[i] : low;
        high = map[i] > high ? map[i] : high;
    }
    for (size_t i = 0; i < n; i++)
        map[i] = (map[i] - low) / (high - low + epsilon);
}

/* The channel as a mask of the input's size: pytorch-grad-cam enlarges it corner to corner, then scales it; torchcam
 * scales it, then enlarges it. Each is needed once, so one at a time is kept: of 2048 channels all would be 400 MB. */
static xai_status make_mask(const trials *t, size_t channel)
{
    const int64_t *shape = t->pass->input->shape;
    size_t n = (size_t)(t->h * t->w);
    bool is_torchcam = t->pass->cam->profile->index == XAI__CAM_TORCHCAM;
    xai_status status;

    memcpy(t->small, t->pass->activations[t->layer]->data + channel * n, n * sizeof *t->small);
    if (is_torchcam)
        scale(t->small, n, 1e-8f);
    status = xai__resample_map(t->mask, shape[2], shape[3], t->small, t->h, t->w,
                               is_torchcam ? XAI__MAP_BILINEAR : XAI__MAP_BILINEAR_CORNERS);
    if (status == XAI_OK && !is_torchcam)
        scale(t->mask, (size_t)(shape[2] * shape[3]), 1e-8f);
    return status;
}

/* The mask multiplies the prepared input, so what it hides turns into the mean colour, not into black. */
static xai_status make_masked(float *out, const trials *t, size_t channel)
{
    const xai_tensor *input = t->pass->input;
    size_t n = (size_t)(input->shape[2] * input->shape[3]);
    xai_status status = make_mask(t, channel);

    for (int64_t k = 0; k < input->shape[1] && status == XAI_OK; k++)
        for (size_t i = 0; i < n; i++)
            out[(size_t)k * n + i] = t->plain[(size_t)k * n + i] * t->mask[i];
    return status;
}

/* Weights are the softmax of the scores over the channels. Shifting all scores changes nothing, so torchcam's baseline
 * need not be subtracted. */
static void softmax(double *scores, size_t n)
{
    double top = scores[0], sum = 0;

    for (size_t i = 1; i < n; i++)
        top = fmax(top, scores[i]);
    for (size_t i = 0; i < n; i++)
        sum += scores[i] = exp(scores[i] - top);
    for (size_t i = 0; i < n; i++)
        scores[i] /= sum;
}

xai_status xai__cam_score_weights(double *out, const xai__cam_pass *pass, size_t layer)
{
    const xai_tensor *input = pass->input;
    xai_context *context = pass->cam->object.context;
    trials t = begin(pass, layer);
    xai_status status;

    t.value = pass->cam->session->model->graph.input;
    t.plain = input->data;
    t.small = xai__alloc_array(context, (size_t)(t.h * t.w), sizeof *t.small);
    t.mask = xai__alloc_array(context, (size_t)(input->shape[2] * input->shape[3]), sizeof *t.mask);
    t.make = make_masked;
    status = t.small != NULL && t.mask != NULL ? run_trials(out, &t) : XAI_E_NO_MEMORY;
    for (size_t i = 0; i < pass->targets->n && status == XAI_OK; i++)
        softmax(out + i * t.count, t.count);
    xai__free(context, t.small);
    xai__free(context, t.mask);
    return status;
}

/* --- Ablation-CAM --- */

/* Zero, or far below the lowest value where the layer has other values than zero and more: what is behind it should
 * take the channel for absent. */
static float ablated_value(const trials *t, size_t channel)
{
    size_t n_steps = t->pass->cam->profile->index == XAI__CAM_PGC ? channel % ABLATED_AT_ONCE + 1 : 1;
    float value = t->low;

    for (size_t i = 0; i < n_steps && t->low != 0; i++)
        value -= ABLATION_STEP;
    return value;
}

static xai_status make_ablated(float *out, const trials *t, size_t channel)
{
    size_t n = (size_t)(t->h * t->w);
    float value = ablated_value(t, channel);

    memcpy(out, t->plain, (size_t)t->c * n * sizeof *out);
    for (size_t i = channel * n; i < (channel + 1) * n; i++)
        out[i] = value;
    return XAI_OK;
}

/* Ablation-CAM: the drop as a share of the score; of a score of 0, the drop itself. A negative score turns
 * the signs of all weights, as in the original. */
xai_status xai__cam_ablation_weights(double *out, const xai__cam_pass *pass, size_t layer)
{
    trials t = begin(pass, layer);
    xai_status status;

    t.make = make_ablated;
    t.low = t.plain[0];
    for (int64_t i = 1; i < t.c * t.h * t.w; i++)
        t.low = t.plain[i] < t.low ? t.plain[i] : t.low;
    status = run_trials(out, &t);
    for (size_t i = 0; i < pass->targets->n && status == XAI_OK; i++) {
        const xai_tensor *elements = pass->elements[i];
        double score = xai__target_score(&pass->targets->items[i], pass->targets->model, elements->data,
                                         elements->size);

        for (size_t k = 0; k < t.count; k++)
            out[i * t.count + k] = (score - out[i * t.count + k]) / (score != 0 ? score : 1);
    }
    return status;
}

/* --- Recipro-CAM --- */

/* Position `position` of all channels, alone. */
static xai_status make_spot(float *out, const trials *t, size_t position)
{
    size_t n = (size_t)(t->h * t->w);

    memset(out, 0, (size_t)t->c * n * sizeof *out);
    for (size_t at = position; at < (size_t)t->c * n; at += n)
        out[at] = t->plain[at];
    return XAI_OK;
}

/* Recipro-CAM: what one position of the layer, all others zero, scores by itself. One pass a position, 49 on a map of 7
 * x 7, and no gradients. */
xai_status xai__cam_reciprocal_maps(float *out, const xai__cam_pass *pass, size_t layer)
{
    trials t = begin(pass, layer);
    xai_context *context = pass->cam->object.context;
    size_t n = (size_t)(t.h * t.w);
    double *scores = xai__alloc_array(context, pass->targets->n, n * sizeof *scores);
    xai_status status;

    if (scores == NULL)
        return XAI_E_NO_MEMORY;
    t.make = make_spot;
    t.count = n;
    status = run_trials(scores, &t);
    for (size_t i = 0; i < pass->targets->n * n && status == XAI_OK; i++)
        out[i] = (float)scores[i];
    xai__free(context, scores);
    return status;
}
