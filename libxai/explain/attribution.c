/* SPDX-License-Identifier: MIT
 * Attributions: what was explained, and the map. */
#include "explain/attribution.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "io/json_write.h"
#include "io/resample.h"
#include "runtime/session.h"

/* --- handle --- */

xai_attribution *xai_attribution_ref(xai_attribution *attribution)
{
    if (attribution != NULL)
        xai__object_ref(&attribution->object);
    return attribution;
}

void xai_attribution_unref(xai_attribution *attribution)
{
    xai_context *context;

    if (attribution == NULL || !xai__object_unref(&attribution->object))
        return;
    context = attribution->object.context;
    xai_tensor_unref(attribution->map);
    xai__free(context, attribution->layer);
    xai__free(context, attribution->label);
    xai__free(context, attribution);
    xai_context_unref(context);
}

/* --- targets --- */

xai_status xai__target_check(const xai_model *model, const xai_target *target, uint32_t n_kinds)
{
    int64_t n = (int64_t)xai_model_n_classes(model);
    bool has_other = target->score == XAI_SCORE_MARGIN;

    if (target->score >= n_kinds)
        return xai__fail(XAI_E_INVALID, "score %u cannot be explained by this method", target->score);
    if (target->index < -1 || target->index >= n || (has_other && (target->against < 0 || target->against >= n)))
        return xai__fail(XAI_E_INVALID, "there is no class %lld, the model has %lld",
                         (long long)(target->index < -1 || target->index >= n ? target->index : target->against),
                         (long long)n);
    return XAI_OK;
}

static int64_t largest(const float *logits, int64_t n)
{
    int64_t best = 0;

    for (int64_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

static double probability_of(const xai_model *model, const float *logits, int64_t n, int64_t index)
{
    double sum = 0, top = logits[largest(logits, n)];

    if (model->gives_probabilities)
        return logits[index];
    for (int64_t i = 0; i < n; i++)
        sum += exp(logits[i] - top);
    return exp(logits[index] - top) / sum;
}

static void fill_score(xai_attribution *a, const xai_model *model, const float *logits)
{
    int64_t n = (int64_t)xai_model_n_classes(model);

    if (a->target.index < 0)
        a->target.index = largest(logits, n);
    a->probability = probability_of(model, logits, n, a->target.index);
    a->score = logits[a->target.index];
    if (a->target.score == XAI_SCORE_PROBABILITY)
        a->score = a->probability;
    else if (a->target.score == XAI_SCORE_MARGIN)
        a->score -= logits[a->target.against];
}

xai_status xai__attribution_create(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                   const float *logits, const xai_target *target)
{
    xai_model *model = session->model;
    xai_context *context = model->object.context;
    const int64_t *shape = model->graph.values[model->graph.input].shape;
    xai_attribution *a = xai__zalloc_array(context, 1, sizeof *a);
    const char *label;
    xai_status status;

    *out = NULL;
    if (a == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&a->object, context);
    a->target = *target;
    fill_score(a, model, logits);
    a->input_height = shape[2];
    a->input_width = shape[3];
    a->purpose = session->purpose;
    a->model_digest = xai__model_digest(model);
    a->input_digest = xai__hash(0, input->data, input->size * sizeof(float));
    status = xai__model_is_exact(&a->is_exact, model);
    label = xai_model_label(model, a->target.index);
    if (label != NULL && status == XAI_OK) {
        a->label = xai__strdup(context, label);
        status = a->label != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    }
    if (status < 0)
        xai_attribution_unref(a);
    else
        *out = a;
    return status;
}

int64_t xai_attribution_target(const xai_attribution *attribution)
{
    return attribution->target.index;
}

double xai_attribution_score(const xai_attribution *attribution)
{
    return attribution->score;
}

/* --- the map --- */

static void find_range(float range[2], const xai_tensor *map)
{
    range[0] = range[1] = map->data[0];
    for (size_t i = 1; i < map->size; i++) {
        range[0] = map->data[i] < range[0] ? map->data[i] : range[0];
        range[1] = map->data[i] > range[1] ? map->data[i] : range[1];
    }
}

/* Not (low < high) catches NaN as well. */
static xai_status normalise_map(xai_tensor *map, float epsilon)
{
    float range[2], divisor;

    find_range(range, map);
    divisor = range[1] - range[0];
    if (!(divisor > 0) || !isfinite(divisor)) {
        memset(map->data, 0, map->size * sizeof(float));
        return XAI_FLAT;
    }
    for (size_t i = 0; i < map->size; i++)
        map->data[i] = (map->data[i] - range[0]) / (divisor + epsilon);
    return XAI_OK;
}

static xai_status copy_map(xai_tensor **out, const xai_tensor *map)
{
    xai_status status = xai__tensor_create(out, map->object.context, map->shape, 2);

    if (status == XAI_OK)
        memcpy((*out)->data, map->data, map->size * sizeof(float));
    return status;
}

static xai_status resize_map(xai_tensor **map, int64_t height, int64_t width)
{
    const int64_t shape[2] = { height, width };
    xai_tensor *resized = NULL;
    xai_status status = xai__tensor_create(&resized, (*map)->object.context, shape, 2);

    if (status == XAI_OK)
        status = xai__resample_map(resized->data, height, width, (*map)->data, (*map)->shape[0], (*map)->shape[1],
                                   XAI__MAP_BILINEAR);
    if (status < 0) {
        xai_tensor_unref(resized);
        return status;
    }
    xai_tensor_unref(*map);
    *map = resized;
    return XAI_OK;
}

static xai_status check_map_arguments(const void *out, const xai_attribution *a, int64_t height, int64_t width,
                                      uint32_t normalise)
{
    if (out == NULL || a == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "attribution");
    if (height < 0 || width < 0 || (height == 0) != (width == 0))
        return xai__fail(XAI_E_INVALID, "a map of %lld x %lld cannot be made", (long long)height, (long long)width);
    if (normalise > XAI_NORMALISE_MIN_MAX)
        return xai__fail(XAI_E_INVALID, "there is no normalisation %u", normalise);
    return XAI_OK;
}

xai_status xai_attribution_map(xai_tensor **out, const xai_attribution *attribution, int64_t height, int64_t width,
                               uint32_t normalise)
{
    xai_tensor *map = NULL;
    xai_status status, remark = XAI_OK;

    XAI__ENTER(out);
    status = check_map_arguments(out, attribution, height, width, normalise);
    if (status == XAI_OK)
        status = copy_map(&map, attribution->map);
    if (status < 0)
        return status;
    if (normalise != XAI_NORMALISE_NONE)
        remark = normalise_map(map, normalise == XAI_NORMALISE_PROFILE ? attribution->profile->epsilon : 0);
    if (height > 0)
        status = resize_map(&map, height, width);
    if (status < 0) {
        xai_tensor_unref(map);
        return status;
    }
    *out = map;
    return remark;
}

/* --- the record --- */

static void write_digest(xai__json_writer *w, const char *key, uint64_t digest)
{
    char text[17];

    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[digest >> (60 - 4 * i) & 15];
    text[16] = '\0';
    xai__json_write_string(w, key, text);
}

static void write_target(xai__json_writer *w, const xai_attribution *a)
{
    static const char *const scores[] = { "logit", "probability", "margin", "value" };

    xai__json_write_object(w, "target");
    xai__json_write_integer(w, "index", a->target.index);
    xai__json_write_string(w, "label", a->label);
    xai__json_write_number(w, "probability", a->probability);
    xai__json_write_string(w, "explains", scores[a->target.score]);
    if (a->target.score == XAI_SCORE_MARGIN)
        xai__json_write_integer(w, "against", a->target.against);
    xai__json_write_number(w, "score", a->score);
    xai__json_write_end(w);
}

static void write_map(xai__json_writer *w, const xai_attribution *a)
{
    float range[2];

    find_range(range, a->map);
    xai__json_write_object(w, "map");
    xai__json_write_array(w, "shape");
    xai__json_write_integer(w, NULL, a->map->shape[0]);
    xai__json_write_integer(w, NULL, a->map->shape[1]);
    xai__json_write_end(w);
    xai__json_write_float(w, "min", range[0]);
    xai__json_write_float(w, "max", range[1]);
    xai__json_write_end(w);
}

size_t xai_attribution_json(const xai_attribution *attribution, char *buffer, size_t capacity)
{
    static const char *const purposes[] = { "latency", "throughput", "windowed" };
    const xai_context *context = attribution->object.context;
    xai__json_writer w;
    size_t length;

    xai__json_writer_init(&w, attribution->object.context);
    xai__json_write_object(&w, NULL);
    xai__json_write_string(&w, "method", attribution->method);
    xai__json_write_string(&w, "profile", attribution->profile->name);
    xai__json_write_array(&w, "layers");
    xai__json_write_string(&w, NULL, attribution->layer);
    xai__json_write_end(&w);
    write_target(&w, attribution);
    write_map(&w, attribution);
    xai__json_write_string(&w, "purpose", purposes[attribution->purpose]);
    xai__json_write_string(&w, "backends", context->backends);
    xai__json_write_bool(&w, "exact", attribution->is_exact);
    write_digest(&w, "model_digest", attribution->model_digest);
    write_digest(&w, "input_digest", attribution->input_digest);
    xai__json_write_string(&w, "version", xai_version_string());
    xai__json_write_end(&w);
    length = xai__json_writer_copy(&w, buffer, capacity);
    xai__json_writer_fini(&w);
    return length;
}
