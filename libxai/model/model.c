/* SPDX-License-Identifier: MIT
 * Models: put together from architecture, weights, preparation and labels. */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/sha256.h"
#include "graph/names.h"
#include "model/labels.h"
#include "model/manifest.h"
#include "model/specialise.h"
#include "model/zoo.h"

/* A picture of that side has activations of hundreds of gigabytes in any network here; its pixels fit 32 bits. */
enum { LARGEST_SIDE = 1 << 15 };

/* Where everything comes from while a model is put together. */
typedef struct assembly {
    xai_model *model;
    xai_model_options options;
    xai__manifest manifest; /* zeroed where there is none */
    const char *path;       /* of the manifest, or NULL */
    const xai__architecture *architecture;
    const char *weights; /* path; NULL: bytes, or random ones */
    const void *bytes;
    size_t size;
} assembly;

/* --- handle --- */

xai_status xai__model_create(xai_model **out, xai_context *context)
{
    xai_model *model = xai__zalloc_array(context, 1, sizeof *model);

    if (model == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&model->object, context);
    xai__graph_init(&model->graph, context);
    pthread_mutex_init(&model->lock, NULL);
    *out = model;
    return XAI_OK;
}

/* runtime/layers.c makes them when they are first asked for, and takes them back where it fails half-way. */
void xai__model_free_aliases(xai_model *model)
{
    for (size_t i = 0; model->aliases != NULL && i < model->graph.n_values; i++)
        xai__free(model->object.context, model->aliases[i]);
    xai__free(model->object.context, model->aliases);
    model->aliases = NULL;
}

xai_model *xai_model_ref(xai_model *model)
{
    if (model != NULL)
        xai__object_ref(&model->object);
    return model;
}

/* The cache goes first, for its plans and packed weights point into the graph; the graph before the weights, whose
 * elements its constants borrow; the base after both: a derived model shares its graph's names and constants. */
void xai_model_unref(xai_model *model)
{
    xai_context *context;

    if (model == NULL || !xai__object_unref(&model->object))
        return;
    context = model->object.context;
    if (model->cache != NULL)
        model->free_cache(context, model->cache);
    xai__model_free_aliases(model);
    xai__graph_fini(&model->graph);
    xai__weights_close(model->weights);
    xai_model_unref(model->base);
    xai__labels_fini(&model->labels, context);
    xai__free(context, model->architecture);
    xai__free(context, model->cam_layer);
    xai__free(context, model->tutorial_layer);
    xai__free(context, model->classifier);
    xai__free(context, model->hierarchy);
    pthread_mutex_destroy(&model->lock);
    xai__free(context, model);
    xai_context_unref(context);
}

const xai__weights *xai__model_weights(const xai_model *model)
{
    while (model->weights == NULL && model->base != NULL)
        model = model->base;
    return model->weights;
}

/* --- preparation --- */

/* What the published weights were trained with, so that a state dict alone is a model already. */
static void use_architecture(xai__preparation *p, const xai__architecture *a)
{
    *p = (xai__preparation){
        .resize = a->resize, .crop_height = a->crop, .crop_width = a->crop, .filter = XAI_FILTER_BILINEAR
    };
    p->scale = a->scale;
    memcpy(p->mean, a->mean, sizeof p->mean);
    memcpy(p->std, a->std, sizeof p->std);
}

/* A larger crop than the picture is resized to makes no sense, so a crop alone brings its resize along. */
static void use_options(xai__preparation *p, const xai_model_options *options)
{
    int32_t shorter;

    if (options->crop_height > 0)
        p->crop_height = options->crop_height;
    if (options->crop_width > 0)
        p->crop_width = options->crop_width;
    shorter = p->crop_height > p->crop_width ? p->crop_height : p->crop_width;
    if (options->resize > 0)
        p->resize = options->resize;
    else if ((options->crop_height > 0 || options->crop_width > 0) && p->resize < shorter)
        p->resize = shorter;
    if (options->scale != 0)
        p->scale = options->scale;
    if (options->flags & XAI_MODEL_SET_MEAN)
        memcpy(p->mean, options->mean, sizeof p->mean);
    if (options->flags & XAI_MODEL_SET_STD)
        memcpy(p->std, options->std, sizeof p->std);
}

static xai_status check_options(const xai_model_options *o)
{
    const int32_t sides[3] = { o->resize, o->crop_height, o->crop_width };

    for (size_t i = 0; i < 3; i++)
        if (sides[i] < 0 || sides[i] > LARGEST_SIDE)
            return xai__fail(XAI_E_INVALID, "%s is %d, expected 0 to %d pixels",
                             i == 0   ? "resize"
                             : i == 1 ? "crop_height"
                                      : "crop_width",
                             sides[i], LARGEST_SIDE);
    if (!isfinite(o->scale))
        return xai__fail(XAI_E_INVALID, "scale is %g, expected a finite number", o->scale);
    for (size_t i = 0; i < 3; i++) {
        if (o->flags & XAI_MODEL_SET_STD && (o->std[i] == 0 || !isfinite(o->std[i])))
            return xai__fail(XAI_E_INVALID, "std[%zu] is %g, which cannot divide a channel", i, o->std[i]);
        if (o->flags & XAI_MODEL_SET_MEAN && !isfinite(o->mean[i]))
            return xai__fail(XAI_E_INVALID, "mean[%zu] is %g, expected a finite number", i, o->mean[i]);
    }
    if (o->flags & ~(uint32_t)(XAI_MODEL_SET_MEAN | XAI_MODEL_SET_STD))
        return xai__fail(XAI_E_INVALID, "flags 0x%x has bits that this version does not know", o->flags);
    return XAI_OK;
}

/* --- assembly --- */

/* The message lists all there are: names are many, and no two projects spell them alike. */
static xai_status find_architecture(const xai__architecture **out, const char *name)
{
    char list[1024] = "";

    *out = xai__zoo_find(name);
    if (*out != NULL)
        return XAI_OK;
    for (size_t i = 0; xai_architecture(i) != NULL; i++) {
        strncat(list, i > 0 ? ", " : "", sizeof list - strlen(list) - 1);
        strncat(list, xai_architecture(i), sizeof list - strlen(list) - 1);
    }
    return xai__fail(XAI_E_NOT_FOUND, "there is no architecture '%.64s'; there are %s", name, list);
}

static xai_status check_sha256(const assembly *a)
{
    const xai_model *model = a->model;
    char found[65];
    size_t size;
    const void *bytes;

    /* Weights that replace the manifest's have another digest. */
    if (a->manifest.sha256 == NULL || a->options.weights != NULL || model->weights == NULL)
        return XAI_OK;
    bytes = xai__weights_bytes(model->weights, &size);
    xai__sha256_text(found, bytes, size, model->object.context->cpu_features);
    xai__weights_forget(model->weights, bytes, size);
    if (strcmp(found, a->manifest.sha256) != 0)
        return xai__fail(XAI_E_FORMAT, "%s: its sha256 is %s, the manifest expects %s",
                         xai__weights_name(model->weights), found, a->manifest.sha256);
    return XAI_OK;
}

static xai_status open_weights(assembly *a)
{
    xai_model *model = a->model;
    xai_context *context = model->object.context;
    xai_status status = XAI_OK;

    if (a->weights != NULL)
        status = xai__weights_open(&model->weights, context, a->weights);
    else if (a->bytes != NULL)
        status = xai__weights_open_memory(&model->weights, context, a->bytes, a->size);
    return status < 0 ? status : check_sha256(a);
}

/* Every input size has a graph of its own, since shapes are worked out here and not when it runs. */
static xai_status build_graph(assembly *a)
{
    xai_model *model = a->model;
    const xai__preparation *p = &model->preparation;
    xai_status status = xai__zoo_build(&model->graph, a->architecture, model->weights, a->options.seed, p->crop_height,
                                       p->crop_width);

    return status < 0 ? status : xai__specialise(&model->graph);
}

/* Names that a manifest gives must exist. */
static xai_status keep_name(char **out, const assembly *a, const char *name, bool is_value)
{
    const xai_model *model = a->model;
    int32_t value;
    xai_status status = XAI_OK;

    if (name == NULL)
        return XAI_OK;
    if (is_value)
        status = xai__graph_find(&value, &model->graph, name);
    if (status < 0)
        return a->path != NULL ? xai__fail_in(status, a->path) : status;
    *out = xai__strdup(model->object.context, name);
    return *out != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

static xai_status keep_names(assembly *a)
{
    xai_model *model = a->model;
    const xai__manifest *m = &a->manifest;
    xai_status status = keep_name(&model->architecture, a, a->architecture->name, false);

    if (status == XAI_OK)
        status = keep_name(&model->cam_layer, a, m->cam_layer != NULL ? m->cam_layer : a->architecture->cam_layer,
                           true);
    if (status == XAI_OK)
        status = keep_name(&model->tutorial_layer, a, a->architecture->tutorial_layer, true);
    if (status == XAI_OK)
        status = keep_name(&model->classifier, a, m->classifier, true);
    if (status == XAI_OK)
        status = keep_name(&model->hierarchy, a, m->hierarchy, false);
    model->gives_probabilities = m->gives_probabilities;
    return status;
}

static xai_status load_labels(assembly *a)
{
    xai_model *model = a->model;
    const char *path = a->options.labels != NULL ? a->options.labels : a->manifest.labels;

    if (path != NULL)
        return xai__labels_load(&model->labels, model->object.context, path, xai_model_n_classes(model));
    if (a->manifest.has_inline_labels)
        return xai__labels_read(&model->labels, model->object.context, a->manifest.inline_labels,
                                xai_model_n_classes(model));
    return XAI_OK;
}

/* The architecture's values first, then the manifest's, then the caller's: each replaces what it states. Labels come
 * last, since only the graph knows how many there have to be. */
static xai_status assemble(assembly *a)
{
    xai_status status = check_options(&a->options);

    if (status < 0)
        return status;
    use_architecture(&a->model->preparation, a->architecture);
    status = xai__manifest_input(&a->manifest, &a->model->preparation);
    if (status < 0)
        return status;
    use_options(&a->model->preparation, &a->options);
    status = open_weights(a);
    if (status == XAI_OK)
        status = build_graph(a);
    if (status == XAI_OK)
        status = keep_names(a);
    return status == XAI_OK ? load_labels(a) : status;
}

static xai_status build(xai_model **out, xai_context *context, assembly *a)
{
    xai_status status = xai__model_create(&a->model, context);

    if (status < 0)
        return status;
    status = assemble(a);
    if (status < 0)
        xai_model_unref(a->model);
    else
        *out = a->model;
    return status;
}

static xai_status check_pointers(const void *out, const void *context, const void *text)
{
    if (out == NULL || context == NULL || text == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : context == NULL ? "context" : "the name");
    return XAI_OK;
}

xai_status xai_model_load(xai_model **out, xai_context *context, const char *path, const xai_model_options *options)
{
    assembly a = { .path = path };
    xai_status status;

    XAI__ENTER(out);
    status = check_pointers(out, context, path);
    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&a.options, options);
    if (status < 0)
        return status;
    status = xai__manifest_load(&a.manifest, context, path);
    if (status == XAI_OK)
        status = find_architecture(&a.architecture, a.manifest.architecture);
    if (status == XAI_E_NOT_FOUND)
        xai__fail_in(status, path);
    a.weights = a.options.weights != NULL ? a.options.weights : a.manifest.weights;
    if (status == XAI_OK && a.weights == NULL)
        status = xai__fail(XAI_E_FORMAT, "%s: names no weights", path);
    if (status == XAI_OK)
        status = build(out, context, &a);
    xai__manifest_fini(&a.manifest, context);
    return status;
}

static xai_status build_named(xai_model **out, xai_context *context, const char *architecture, assembly *a,
                              const xai_model_options *options)
{
    xai_status status = check_pointers(out, context, architecture);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&a->options, options);
    if (status == XAI_OK)
        status = find_architecture(&a->architecture, architecture);
    if (status == XAI_OK && a->weights == NULL && a->bytes == NULL)
        a->weights = a->options.weights;
    return status == XAI_OK ? build(out, context, a) : status;
}

xai_status xai_model_build(xai_model **out, xai_context *context, const char *architecture, const char *weights,
                           const xai_model_options *options)
{
    assembly a = { .weights = weights };

    XAI__ENTER(out);
    return build_named(out, context, architecture, &a, options);
}

xai_status xai_model_build_memory(xai_model **out, xai_context *context, const char *architecture, const void *bytes,
                                  size_t size, const xai_model_options *options)
{
    assembly a = { .bytes = bytes, .size = size };

    XAI__ENTER(out);
    if (bytes == NULL)
        return xai__fail(XAI_E_INVALID, "bytes is NULL");
    return build_named(out, context, architecture, &a, options);
}

/* --- questions --- */

const char *xai_model_architecture(const xai_model *model)
{
    return model->architecture;
}

size_t xai_model_input_shape(const xai_model *model, int64_t *shape, size_t capacity)
{
    const xai__value *input = &model->graph.values[model->graph.input];

    for (size_t i = 0; i < input->rank && i < capacity; i++)
        shape[i] = input->shape[i];
    return input->rank;
}

size_t xai_model_n_classes(const xai_model *model)
{
    const xai__value *output = &model->graph.values[model->graph.output];

    return (size_t)output->shape[output->rank - 1];
}

const char *xai_model_hierarchy(const xai_model *model)
{
    return model->hierarchy;
}

const char *xai_model_label(const xai_model *model, int64_t class_index)
{
    return class_index >= 0 && (size_t)class_index < model->labels.count ? model->labels.texts[class_index] : NULL;
}

/* Eighteen digits cannot overflow, so strtoull() needs no look at errno. */
static xai_status find_index(int64_t *out, const xai_model *model, const char *text)
{
    char *end;
    unsigned long long index = strtoull(text, &end, 10);

    if (*end != '\0' || strlen(text) > 18 || index >= xai_model_n_classes(model))
        return xai__fail(XAI_E_NOT_FOUND, "there is no class %.40s, the model has %zu", text,
                         xai_model_n_classes(model));
    *out = (int64_t)index;
    return XAI_OK;
}

/* In full, or up to the first comma. */
static bool label_fits(const char *label, const char *text)
{
    size_t length = strlen(text);

    return strncmp(label, text, length) == 0 && (label[length] == '\0' || label[length] == ',');
}

/* Where two fit, be it one in full and one up to its comma, the caller has to choose: a guess would explain the wrong
 * class without a word. */
xai_status xai_model_find_class(int64_t *out, const xai_model *model, const char *text)
{
    int64_t found = -1;

    xai__enter();
    if (out == NULL || model == NULL || text == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : model == NULL ? "model" : "text");
    *out = -1;
    if (strcmp(text, "top") == 0)
        return XAI_OK;
    if (text[0] >= '0' && text[0] <= '9')
        return find_index(out, model, text);
    for (size_t i = 0; i < model->labels.count; i++) {
        const char *label = model->labels.texts[i];

        if (strcmp(label, text) == 0 && found < 0) {
            found = (int64_t)i;
        } else if (label_fits(label, text)) {
            if (found >= 0)
                return xai__fail(XAI_E_INVALID, "'%.64s' fits class %lld (%s) and class %zu (%s)", text,
                                 (long long)found, model->labels.texts[found], i, label);
            found = (int64_t)i;
        }
    }
    if (found < 0)
        return xai__fail(XAI_E_NOT_FOUND, "no class is labelled '%.64s'", text);
    *out = found;
    return XAI_OK;
}

/* --- digest --- */

/* Elements that are hashed before their memory is let go, and that are widened at a time: whole words of the digest. */
enum { PIECE = 1 << 18, WIDENED = 1 << 10 };

static void hash_piece(xai__hasher *hasher, const xai__constant *constant, size_t first, size_t n)
{
    float elements[WIDENED];

    if (constant->data != NULL) {
        xai__hasher_add(hasher, constant->data + first, n * sizeof *elements);
        return;
    }
    for (size_t end = first + n; first < end; first += n) {
        n = end - first < WIDENED ? end - first : WIDENED;
        xai__constant_read(elements, constant, first, n);
        xai__hasher_add(hasher, elements, n * sizeof *elements);
    }
}

/* Kernels have copies of the weights, in orders of their own: the file's are let go again piece by piece, or the
 * largest layer's would come on top of all else that a process holds. */
static uint64_t hash_constant(uint64_t digest, const xai_model *model, const xai__value *value)
{
    xai__hasher hasher;

    if (!xai__value_is_constant(value))
        return digest;
    xai__hasher_init(&hasher, digest, value->size * sizeof(float));
    for (size_t first = 0; first < value->size; first += PIECE) {
        size_t n = value->size - first < PIECE ? value->size - first : PIECE;

        hash_piece(&hasher, &value->constant, first, n);
        xai__constant_forget(&value->constant, first, n, xai__model_weights(model));
    }
    return xai__hasher_finish(&hasher);
}

/* Computed when first asked for, since it reads every weight, and kept, since the model never changes. */
uint64_t xai__model_digest(xai_model *model)
{
    uint64_t digest;

    pthread_mutex_lock(&model->lock);
    digest = model->digest;
    if (digest == 0) {
        digest = xai__hash(0, model->architecture, strlen(model->architecture));
        for (size_t i = 0; i < model->graph.n_values; i++)
            digest = hash_constant(digest, model, &model->graph.values[i]);
        model->digest = digest;
    }
    pthread_mutex_unlock(&model->lock);
    return digest;
}
