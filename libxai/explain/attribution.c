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
    xai_tensor_unref(attribution->errors);
    xai__free(context, attribution->layer);
    xai__free(context, attribution->label);
    xai__free(context, attribution->value);
    xai__free(context, attribution->coefficients);
    xai__free(context, attribution);
    /* Last, for its allocator frees what is above, and this may be the last that holds it. */
    xai_context_unref(context);
}

/* --- what was explained --- */

static xai_status copy_text(char **out, xai_context *context, const char *text)
{
    if (text == NULL)
        return XAI_OK;
    *out = xai__strdup(context, text);
    return *out != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* Classes have labels and probabilities, elements of a named value have none. */
static xai_status fill_target(xai_attribution *a, const xai_model *model, const xai_target *target,
                              const float *elements, size_t n)
{
    xai_context *context = a->object.context;
    xai_status status;

    a->target = *target;
    xai__target_resolve(&a->target, elements, n);
    a->score = xai__target_score(&a->target, model, elements, n);
    if (target->score == XAI_SCORE_VALUE) {
        status = copy_text(&a->value, context, target->value);
        a->target.value = a->value;
        return status;
    }
    a->target.value = NULL; /* what the caller left there is the caller's, and may be gone */
    a->probability = xai__target_probability(model, elements, n, a->target.index);
    return copy_text(&a->label, context, xai_model_label(model, a->target.index));
}

/* Before anything else is checked: who unrefs after a failure must not find what lay in the room before. */
void xai__attributions_empty(xai_attribution **out, size_t n_targets)
{
    for (size_t i = 0; out != NULL && i < (n_targets > 0 ? n_targets : 1); i++)
        out[i] = NULL;
}

void xai__attributions_drop(xai_attribution **out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        xai_attribution_unref(out[i]);
        out[i] = NULL;
    }
}

xai_status xai__attribution_check_input(const xai_session *session, const xai_tensor *input)
{
    const xai__graph *graph = &session->model->graph;
    size_t n_images;
    xai_status status = xai__check_fed(&n_images, graph, graph->input, input);

    if (status == XAI_OK && n_images != 1)
        status = xai__fail(XAI_E_SHAPE, "one image is explained at a time, got %zu", n_images);
    return status;
}

xai_status xai__attribution_create(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                   const float *elements, size_t n, const xai_target *target)
{
    xai_model *model = session->model;
    xai_context *context = model->object.context;
    const int64_t *shape = model->graph.values[model->graph.input].shape;
    xai_attribution *a = xai__zalloc_array(context, 1, sizeof *a);
    xai_status status;

    *out = NULL;
    if (a == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&a->object, context);
    a->input_height = shape[2];
    a->input_width = shape[3];
    a->purpose = session->purpose;
    a->model_digest = xai__model_digest(model);
    /* Of the bytes as they are fed: a picture that was prepared otherwise is another input, however alike it looks. */
    a->input_digest = xai__hash(0, input->data, input->size * sizeof(float));
    status = fill_target(a, model, target, elements, n);
    if (status == XAI_OK)
        status = xai__model_is_exact(&a->is_exact, model);
    if (status < 0)
        xai_attribution_unref(a);
    else
        *out = a;
    return status;
}

/* Label, purpose, backends and the model's digest are a session's to know: the record goes without. */
xai_status xai__attribution_create_black_box(xai_attribution **out, const xai_tensor *input, bool gives_probabilities,
                                             const float *elements, size_t n, const xai_target *target)
{
    xai_context *context = input->object.context;
    xai_attribution *a = xai__zalloc_array(context, 1, sizeof *a);

    *out = a;
    if (a == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&a->object, context);
    a->is_black_box = true;
    a->input_height = input->shape[2];
    a->input_width = input->shape[3];
    a->input_digest = xai__hash(0, input->data, input->size * sizeof(float));
    a->target = *target;
    a->target.value = NULL;
    xai__target_resolve(&a->target, elements, n);
    a->score = xai__target_score_of(&a->target, gives_probabilities, elements, n);
    a->probability = xai__target_probability_of(gives_probabilities, elements, n, a->target.index);
    return XAI_OK;
}

/* One too many is dropped: a record that lacks a number is better than no explanation. */
void xai__attribution_note(xai_attribution *attribution, const char *name, double value)
{
    if (attribution->n_notes < XAI__MAX_NOTES)
        attribution->notes[attribution->n_notes++] = (xai__note){ name, value };
}

int64_t xai_attribution_target(const xai_attribution *attribution)
{
    return attribution->target.index;
}

double xai_attribution_score(const xai_attribution *attribution)
{
    return attribution->score;
}

double xai_attribution_number(const xai_attribution *attribution, const char *name)
{
    for (size_t i = 0; i < attribution->n_notes; i++)
        if (strcmp(attribution->notes[i].name, name) == 0)
            return attribution->notes[i].value;
    return NAN;
}

/* --- the map --- */

/* Least and largest. NaN compares false and is passed over, but for the first element, where it makes the range NaN. */
static void find_range(float range[2], const xai_tensor *map)
{
    range[0] = range[1] = map->data[0];
    for (size_t i = 1; i < map->size; i++) {
        range[0] = map->data[i] < range[0] ? map->data[i] : range[0];
        range[1] = map->data[i] > range[1] ? map->data[i] : range[1];
    }
}

/* (x - least) / (largest - least + epsilon), over all channels together. A range that is not above zero (one value, or
 * NaN) or infinite (values near the ends of float) leaves nothing to scale: zeros, so that no caller divides by it. */
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
    xai_status status = xai__tensor_create(out, map->object.context, map->shape, map->rank);

    if (status == XAI_OK)
        memcpy((*out)->data, map->data, map->size * sizeof(float));
    return status;
}

/* Each channel, where there are several. */
xai_status xai__map_resize(xai_tensor **map, int64_t height, int64_t width, enum xai__map_filter filter)
{
    xai_tensor *from = *map, *resized = NULL;
    size_t rank = from->rank, n_channels = rank > 2 ? (size_t)from->shape[0] : 1;
    const int64_t *size = from->shape + rank - 2, shape[3] = { from->shape[0], height, width };
    xai_status status = xai__tensor_create(&resized, from->object.context, shape + 3 - rank, rank);

    for (size_t c = 0; c < n_channels && status == XAI_OK; c++)
        status = xai__resample_map(resized->data + c * (size_t)(height * width), height, width,
                                   from->data + c * (size_t)(size[0] * size[1]), size[0], size[1], filter);
    if (status < 0) {
        xai_tensor_unref(resized);
        return status;
    }
    xai_tensor_unref(from);
    *map = resized;
    return XAI_OK;
}

xai_status xai__map_scale(xai_tensor *map, const xai__profile *profile)
{
    return profile->is_raw || profile->scales_last ? XAI_OK : normalise_map(map, profile->epsilon);
}

/* In the order of the originals. Most scale on the method's own grid: bilinear weights make means, so what is resized
 * stays within 0 and 1. pytorch-grad-cam scales once more, because means pull both ends in; kazuto scales only what was
 * resized. A map that was flat once is zeros and is not scaled again. */
xai_status xai__map_finish(xai_tensor **map, const xai__profile *profile, int64_t height, int64_t width)
{
    xai_status remark = xai__map_scale(*map, profile), status = XAI_OK;

    if (height > 0)
        status = xai__map_resize(map, height, width, profile->filter);
    if (status == XAI_OK && remark == XAI_OK && (profile->scales_last || (profile->rescales && height > 0)))
        remark = normalise_map(*map, profile->epsilon);
    return status < 0 ? status : remark;
}

static bool is_flat(const xai_tensor *map)
{
    float range[2];

    find_range(range, map);
    return !(range[0] < range[1]);
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
    if (normalise == XAI_NORMALISE_PROFILE && !attribution->is_scaled) {
        remark = status = xai__map_finish(&map, attribution->profile, height, width);
    } else {
        /* Scaled already, or wanted raw. What is flat is still told apart, so that nobody has to know profiles. */
        if (normalise == XAI_NORMALISE_MIN_MAX || (normalise == XAI_NORMALISE_PROFILE && is_flat(map)))
            remark = normalise_map(map, 0);
        if (height > 0)
            status = xai__map_resize(&map, height, width, attribution->profile->filter);
    }
    if (status < 0) {
        xai_tensor_unref(map);
        return status;
    }
    *out = map;
    return remark;
}

/* Bilinear of the errors themselves, which is the error of the interpolated map if neighbours err together. If they do
 * not, it is smaller: what is told is never too little. */
xai_status xai_attribution_error_map(xai_tensor **out, const xai_attribution *attribution, int64_t height,
                                     int64_t width)
{
    xai_tensor *map = NULL;
    xai_status status;

    XAI__ENTER(out);
    status = check_map_arguments(out, attribution, height, width, XAI_NORMALISE_NONE);
    if (status == XAI_OK && attribution->errors == NULL)
        status = xai__fail(XAI_E_UNSUPPORTED, "%s leaves no standard errors of pixels", attribution->method);
    if (status == XAI_OK)
        status = copy_map(&map, attribution->errors);
    if (status == XAI_OK && height > 0)
        status = xai__map_resize(&map, height, width, XAI__MAP_BILINEAR);
    if (status < 0)
        xai_tensor_unref(map);
    else
        *out = map;
    return status;
}

/* --- the record --- */

/* Sixteen digits of text: to most readers a JSON number is a double, which holds 53 bits. */
static void write_digest(xai__json_writer *w, const char *key, uint64_t digest)
{
    char text[17];

    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[digest >> (60 - 4 * i) & 15];
    text[16] = '\0';
    xai__json_write_string(w, key, text);
}

/* A number a segment, where the method has segments. */
static void write_segments(xai__json_writer *w, const char *name, const double *numbers, size_t n)
{
    if (n == 0)
        return;
    xai__json_write_array(w, name);
    for (size_t i = 0; i < n; i++)
        xai__json_write_number(w, NULL, numbers[i]);
    xai__json_write_end(w);
}

static void write_target(xai__json_writer *w, const xai_attribution *a)
{
    static const char *const scores[] = { "logit", "probability", "margin", "value" };

    xai__json_write_object(w, "target");
    xai__json_write_integer(w, "index", a->target.index);
    if (a->target.score == XAI_SCORE_VALUE) {
        xai__json_write_string(w, "value", a->value);
    } else {
        xai__json_write_string(w, "label", a->label);
        xai__json_write_number(w, "probability", a->probability);
    }
    xai__json_write_string(w, "explains", scores[a->target.score]);
    if (a->target.score == XAI_SCORE_MARGIN)
        xai__json_write_integer(w, "against", a->target.against);
    xai__json_write_number(w, "score", a->score);
    write_segments(w, "coefficients", a->coefficients, a->n_coefficients);
    write_segments(w, "standard_errors", a->n_coefficients > 0 ? a->coefficients + a->n_coefficients : NULL,
                   a->n_coefficients);
    xai__json_write_end(w);
}

/* A name alone needs no count. */
static void write_layers(xai__json_writer *w, const xai_attribution *a)
{
    const char *name = a->layer;

    for (size_t i = 0; name != NULL && (i == 0 || i < a->n_layers); i++, name += strlen(name) + 1)
        xai__json_write_string(w, NULL, name);
}

static void write_map(xai__json_writer *w, const xai_attribution *a)
{
    float range[2];

    find_range(range, a->map);
    xai__json_write_object(w, "map");
    xai__json_write_array(w, "shape");
    for (size_t i = 0; i < a->map->rank; i++)
        xai__json_write_integer(w, NULL, a->map->shape[i]);
    xai__json_write_end(w);
    xai__json_write_float(w, "min", range[0]);
    xai__json_write_float(w, "max", range[1]);
    xai__json_write_end(w);
}

/* What ran the model, and which model it was. */
static void write_runtime(xai__json_writer *w, const xai_attribution *a)
{
    static const char *const purposes[] = { "latency", "throughput", "windowed" };

    if (a->is_black_box) {
        xai__json_write_bool(w, "black_box", true);
        return;
    }
    xai__json_write_string(w, "purpose", purposes[a->purpose]);
    xai__json_write_string(w, "backends", a->object.context->backends);
    xai__json_write_bool(w, "exact", a->is_exact);
    write_digest(w, "model_digest", a->model_digest);
}

/* Written anew at each call: attributions are shared between threads, and a text that is kept would need a lock. */
size_t xai_attribution_json(const xai_attribution *attribution, char *buffer, size_t capacity)
{
    xai__json_writer w;
    size_t length;

    xai__json_writer_init(&w, attribution->object.context);
    xai__json_write_object(&w, NULL);
    xai__json_write_string(&w, "method", attribution->method);
    xai__json_write_string(&w, "profile", attribution->profile->name);
    xai__json_write_array(&w, "layers");
    write_layers(&w, attribution);
    xai__json_write_end(&w);
    write_target(&w, attribution);
    write_map(&w, attribution);
    for (size_t i = 0; i < attribution->n_notes; i++)
        xai__json_write_number(&w, attribution->notes[i].name, attribution->notes[i].value);
    if (attribution->has_seed)
        xai__json_write_unsigned(&w, "seed", attribution->seed);
    write_runtime(&w, attribution);
    write_digest(&w, "input_digest", attribution->input_digest);
    xai__json_write_string(&w, "version", xai_version_string());
    xai__json_write_end(&w);
    length = xai__json_writer_copy(&w, buffer, capacity);
    xai__json_writer_fini(&w);
    return length;
}
