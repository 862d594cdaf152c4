/* SPDX-License-Identifier: MIT
 * Training sets: features computed batch by batch, in memory or in a cache. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/tensor.h"
#include "explain/classifier.h"
#include "explain/influence/influence.h"
#include "runtime/session.h"

/* Pictures a forward pass; more are no faster on the networks that were measured. */
enum { BATCH = 16 };

static const uint64_t default_budget = (uint64_t)1 << 30;

/* A training set being opened. */
typedef struct opening {
    xai_training *training;
    xai_training_options options;
    xai_run_options run;
    xai__features_kind kind;
    xai__features_writer writer;
    size_t n_done;
} opening;

/* --- what features are --- */

/* From the deciding layer on there may be nothing but views and the softmax, else the loss is another function. */
static xai_status check_tail(const xai__graph *graph, const xai__classifier *classifier)
{
    int32_t value = graph->output, decided = graph->nodes[classifier->node].output;

    while (value != decided) {
        int32_t index = graph->values[value].producer;
        const xai__node *node = index >= 0 ? &graph->nodes[index] : NULL;

        if (node == NULL ||
            (node->op != XAI__OP_SOFTMAX && node->op != XAI__OP_RESHAPE && node->op != XAI__OP_IDENTITY))
            return xai__fail(XAI_E_UNSUPPORTED, "between '%s' and the output stands more than a softmax",
                             graph->values[decided].name);
        value = node->inputs[0];
    }
    if (graph->values[decided].size != (size_t)classifier->n_classes)
        return xai__fail(XAI_E_UNSUPPORTED, "'%s' is a map, not a row of logits", graph->values[decided].name);
    return XAI_OK;
}

/* Copies the layer's weights as rows with the bias behind them. */
static xai_status copy_weights(xai_training *t, const xai__constant *weights, const xai__constant *bias)
{
    float *row = xai__alloc_array(t->object.context, t->n_features + 1, sizeof *row);
    const size_t n = t->n_features;
    size_t size;

    t->n_inputs = n + (bias != NULL ? 1 : 0);
    if (row != NULL && !xai__mul_size(&size, t->n_classes, t->n_inputs))
        xai__fail_memory();
    else if (row != NULL)
        t->weights = xai__alloc_array(t->object.context, size, sizeof *t->weights);
    for (size_t c = 0; t->weights != NULL && c < t->n_classes; c++) {
        xai__constant_read(row, weights, c * n, n);
        if (bias != NULL)
            xai__constant_read(row + n, bias, c, 1);
        for (size_t k = 0; k < t->n_inputs; k++)
            t->weights[c * t->n_inputs + k] = row[k];
    }
    xai__free(t->object.context, row);
    return t->weights != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* The layer's input is the features, its output the logits, both values of the graph that sessions can fetch.
 * Everything that methods need of the layer is copied here, in double, so that they never look at the graph. */
static xai_status find_layer(opening *o)
{
    xai_training *t = o->training;
    const xai_model *model = t->session->model;
    const xai__graph *graph = &model->graph;
    xai__classifier classifier;
    const xai__node *node;
    int32_t bias;
    xai_status status = xai__classifier_of(&classifier, model, o->options.classifier);

    if (status == XAI_OK)
        status = check_tail(graph, &classifier);
    if (status < 0)
        return status;
    node = &graph->nodes[classifier.node];
    bias = node->n_inputs > 2 ? node->inputs[2] : -1;
    t->layer = node->inputs[0];
    t->logits = node->output;
    t->n_features = (size_t)classifier.n_inputs;
    t->n_classes = (size_t)classifier.n_classes;
    if (bias >= 0 && !xai__graph_is_constant(graph, bias))
        return xai__fail(XAI_E_UNSUPPORTED, "the bias of '%s' is computed", graph->values[node->output].name);
    return copy_weights(t, &classifier.weights, bias >= 0 ? &graph->values[bias].constant : NULL);
}

/* The model's digest leaves out how pictures are prepared, which decides features as well. */
static uint64_t digest_model(xai_model *model, uint32_t flags)
{
    const xai__preparation *p = &model->preparation;
    const int64_t whole[6] = { p->resize, p->crop_height, p->crop_width, p->filter, p->is_bgr, flags };
    uint64_t digest = xai__hash(xai__model_digest(model), whole, sizeof whole);

    digest = xai__hash(digest, &p->scale, sizeof p->scale);
    digest = xai__hash(digest, p->mean, sizeof p->mean);
    return xai__hash(digest, p->std, sizeof p->std);
}

/* Hooks that only watch stay silent: they were not set for the training set. */
xai_status xai__training_features(xai_tensor **out, const xai_training *training, const xai_tensor *inputs)
{
    const xai__request request = {
        .feed = training->session->model->graph.input, .fed = inputs, .fetches = &training->layer, .n_fetches = 1
    };

    return xai__session_run(out, training->session, &request);
}

/* --- examples --- */

/* With its slash, so that it can be put in front of a path as it is; empty for the working folder. */
static char *folder_of(xai_context *context, const char *path)
{
    const char *slash = strrchr(path, '/');

    return xai__strndup(context, path, slash != NULL ? (size_t)(slash + 1 - path) : 0);
}

static xai_status read_list(opening *o)
{
    xai_training *t = o->training;
    xai__file file;
    xai_status status = xai__file_open(&file, t->object.context, o->options.list);

    if (status < 0)
        return status;
    t->examples.folder = folder_of(t->object.context, o->options.list);
    status = t->examples.folder != NULL ? xai__examples_read(&t->examples, &file, t->session->model) : XAI_E_NO_MEMORY;
    xai__file_close(&file);
    return status;
}

/* A label out of range would be an index out of a row of residuals later on. */
static xai_status check_label(int64_t label, size_t n_classes, size_t index)
{
    if (label >= 0 && label < (int64_t)n_classes)
        return XAI_OK;
    return xai__fail(XAI_E_INVALID, "example %zu has label %lld, there are %zu classes", index, (long long)label,
                     n_classes);
}

/* All at once and before any picture: a wrong label is found in a second and not after an hour. */
static xai_status ask_for_labels(opening *o)
{
    xai__examples *e = &o->training->examples;
    xai_status status = XAI_OK;

    e->example = o->options.example;
    e->user = o->options.user;
    e->n = o->options.n_examples;
    e->labels = xai__alloc_array(e->context, e->n, sizeof *e->labels);
    if (e->labels == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < e->n && status == XAI_OK; i++) {
        int32_t answer;

        e->labels[i] = -1; /* what a callback that forgets the label leaves, in place of chance */
        answer = e->example(NULL, &e->labels[i], i, e->user);
        if (answer != 0)
            status = xai__fail(XAI_E_CALLBACK, "the callback for examples returned %d for the label of example %zu",
                               answer, i);
        else
            status = check_label(e->labels[i], o->training->n_classes, i);
    }
    return status;
}

/* Indices of examples are 32 bits wide in orders and batches. */
static xai_status find_examples(opening *o)
{
    const xai_training_options *options = &o->options;

    if ((options->list != NULL) == (options->example != NULL))
        return xai__fail(XAI_E_INVALID, "a training set takes a list or a callback, got %s",
                         options->list != NULL ? "both" : "neither");
    if (options->example != NULL && (options->n_examples == 0 || options->n_examples > UINT32_MAX))
        return xai__fail(XAI_E_INVALID, "n_examples is %zu, expected 1 to 4294967295", options->n_examples);
    o->training->examples.context = o->training->object.context;
    o->training->examples.flags = options->flags;
    return options->list != NULL ? read_list(o) : ask_for_labels(o);
}

/* --- computing --- */

/* Does the present message begin with the picture's whole path, as those about files do? */
static bool is_named(const xai__examples *examples, size_t index)
{
    const char *path = examples->paths[index], *message = xai_last_error();
    size_t length = path[0] == '/' ? 0 : strlen(examples->folder);

    return strncmp(message, examples->folder, length) == 0 && strncmp(message + length, path, strlen(path)) == 0;
}

/* Which of a million pictures it was is what a user wants to know first. */
static xai_status name_example(xai_status status, const xai__examples *examples, size_t index)
{
    char place[320];

    if (examples->paths != NULL && is_named(examples, index))
        return status;
    if (examples->paths != NULL)
        snprintf(place, sizeof place, "%s", examples->paths[index]);
    else
        snprintf(place, sizeof place, "example %zu", index);
    return xai__fail_in(status, place);
}

/* Decoded one after the other into their places in the batch, so that of the decoded pictures one at a time is held.
 * The name of a picture goes in front of its message; where memory ran out or the callback said no, it is not its
 * fault. */
xai_status xai__training_prepare(xai_tensor **out, const xai_training *training, const uint32_t *examples, size_t first,
                                 size_t n)
{
    const xai_model *model = training->session->model;
    const xai__value *input = &model->graph.values[model->graph.input];
    const int64_t shape[4] = { (int64_t)n, input->shape[1], input->shape[2], input->shape[3] };
    xai_tensor *inputs = NULL;
    xai_status status = xai__tensor_create(&inputs, training->object.context, shape, 4);

    for (size_t i = 0; i < n && status == XAI_OK; i++) {
        size_t index = examples != NULL ? examples[first + i] : first + i;
        xai_image *image = NULL;
        xai_tensor *one = NULL;

        status = xai__examples_image(&image, &training->examples, index);
        if (status == XAI_OK)
            status = xai_model_prepare(&one, model, image);
        if (status == XAI_OK && one->size != input->size)
            status = xai__fail(XAI_E_SHAPE, "prepared it has %zu elements, the input %zu", one->size, input->size);
        if (status == XAI_OK)
            memcpy(inputs->data + i * input->size, one->data, input->size * sizeof(float));
        else if (status != XAI_E_NO_MEMORY && status != XAI_E_CALLBACK)
            status = name_example(status, &training->examples, index);
        xai_tensor_unref(one);
        xai_image_unref(image);
    }
    if (status < 0)
        xai_tensor_unref(inputs);
    else
        *out = inputs;
    return status;
}

/* One feature that is not a number would make every score one. */
static xai_status check_finite(const opening *o, const float *features, size_t index)
{
    for (size_t k = 0; k < o->training->n_features; k++)
        if (!isfinite(features[k]))
            return name_example(xai__fail(XAI_E_FORMAT, "feature %zu is not finite", k), &o->training->examples, index);
    return XAI_OK;
}

/* Into the block, or as a record behind those of the cache, which then is what is read. */
static xai_status keep(opening *o, const float *features, size_t index)
{
    size_t n = o->training->n_features;
    uint64_t key;
    xai_status status = check_finite(o, features, index);

    if (status < 0)
        return status;
    if (o->options.cache == NULL) {
        memcpy(o->training->block + index * n, features, n * sizeof *features);
        return XAI_OK;
    }
    status = xai__examples_key(&key, &o->training->examples, index);
    return status < 0 ? status : xai__features_writer_add(&o->writer, key, features);
}

/* The session batches by itself where its budget is small; here a batch bounds the pictures that are decoded at once.
 */
static xai_status compute_batch(opening *o)
{
    size_t n = o->training->examples.n - o->n_done;
    xai_tensor *inputs = NULL, *features = NULL;
    xai_status status;

    n = n < BATCH ? n : BATCH;
    status = xai__training_prepare(&inputs, o->training, NULL, o->n_done, n);
    if (status == XAI_OK)
        status = xai__training_features(&features, o->training, inputs);
    for (size_t i = 0; i < n && status == XAI_OK; i++)
        status = keep(o, features->data + i * o->training->n_features, o->n_done + i);
    if (status == XAI_OK)
        o->n_done += n;
    xai_tensor_unref(features);
    xai_tensor_unref(inputs);
    return status;
}

/* A stop after the last batch stops nothing. */
static xai_status compute(opening *o)
{
    size_t n = o->training->examples.n;

    while (o->n_done < n) {
        xai_status status = compute_batch(o);

        if (status < 0)
            return status;
        if (o->run.progress != NULL && o->run.progress(o->n_done, n, o->run.user) != 0 && o->n_done < n)
            return XAI_PARTIAL;
    }
    return XAI_OK;
}

/* --- where features are kept --- */

/* One block, N x n_features. Refused before the first picture is read, not when memory runs out at the last. */
static xai_status begin_memory(opening *o)
{
    uint64_t budget = o->run.memory_budget != 0 ? o->run.memory_budget : default_budget;
    xai_training *t = o->training;
    size_t size;

    if (!xai__mul_size(&size, t->examples.n, t->n_features) || size > budget / sizeof(float))
        return xai__fail(
            XAI_E_LIMIT,
            "%zu features of %zu examples are more than the budget of %llu bytes: name a cache file, which "
            "takes no memory",
            t->n_features, t->examples.n, (unsigned long long)budget);
    t->block = xai__alloc_array(t->object.context, size, sizeof *t->block);
    t->features = t->block;
    t->stride = t->n_features;
    return t->block != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* A cache answers for the list's lines in their order: record i is example i. Lines may be added at the end of a list
 * that was computed, but not put between others. */
static xai_status check_keys(const opening *o, const xai__file *file, size_t n)
{
    const xai__examples *e = &o->training->examples;

    if (n > e->n)
        return xai__fail(XAI_E_FORMAT, "%s: holds %zu examples, there are only %zu: remove it to begin again",
                         file->name, n, e->n);
    for (size_t i = 0; i < n; i++) {
        uint64_t key;
        xai_status status = xai__examples_key(&key, e, i);

        if (status == XAI_OK && key != xai__features_key(file, &o->kind, i))
            status = xai__fail(XAI_E_FORMAT,
                               "%s: record %zu is of another picture than %.200s: remove it to begin again", file->name,
                               i, e->paths != NULL ? e->paths[i] : "the callback's");
        if (status < 0)
            return status;
    }
    return XAI_OK;
}

/* The writer holds the file's lock from here on, so nobody adds to it between check and use. */
static xai_status begin_cache(opening *o)
{
    const xai__graph *graph = &o->training->session->model->graph;
    const char *name = graph->values[o->training->layer].name;
    xai__file file = { 0 };
    xai_status status;

    o->kind = (xai__features_kind){ .model = digest_model(o->training->session->model, o->options.flags),
                                    .layer = xai__hash(0, name, strlen(name)),
                                    .n_features = o->training->n_features };
    status = xai__features_writer_open(&o->writer, o->training->object.context, o->options.cache, &o->kind);
    if (status == XAI_OK)
        status = xai__file_open(&file, o->training->object.context, o->options.cache);
    if (status == XAI_OK)
        status = check_keys(o, &file, o->writer.n_records);
    xai__file_close(&file);
    o->n_done = o->writer.n_records;
    return status;
}

/* Features are read where they lie in the file. Digests say that records are as they were written, not that numbers are
 * finite, so this is looked at again. */
static xai_status map_cache(opening *o)
{
    xai_training *t = o->training;
    size_t n;
    xai_status status = xai__file_open(&t->cache, t->object.context, o->options.cache);

    if (status == XAI_OK)
        status = xai__features_check(&n, &t->cache, &o->kind);
    if (status == XAI_OK && n < o->n_done)
        status = xai__fail(XAI_E_IO, "%s: became shorter while it was written", t->cache.name);
    if (status < 0)
        return status;
    t->features = xai__features_at(&t->cache, &o->kind, 0);
    t->stride = t->n_features + XAI__FEATURES_RECORD / sizeof(float);
    for (size_t i = 0; i < o->n_done && status == XAI_OK; i++)
        status = check_finite(o, t->features + i * t->stride, i);
    return status;
}

/* A remark from computing survives: the set is usable as far as it goes. */
static xai_status open_set(opening *o)
{
    xai_status status = find_layer(o), remark;

    if (status == XAI_OK)
        status = find_examples(o);
    if (status == XAI_OK)
        status = o->options.cache != NULL ? begin_cache(o) : begin_memory(o);
    if (status < 0)
        return status;
    remark = compute(o);
    if (remark >= 0 && o->options.cache != NULL)
        status = map_cache(o);
    o->training->n = o->n_done;
    return status < 0 ? status : remark;
}

static xai_status create(xai_training **out, xai_context *context)
{
    xai_training *t = xai__zalloc_array(context, 1, sizeof *t);

    if (t == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&t->object, context);
    t->examples.context = context;
    t->layer = t->logits = -1;
    *out = t;
    return XAI_OK;
}

/* The writer is closed before the set is handed out: its lock would keep others from the cache as long as it lives. */
xai_status xai_training_open(xai_training **out, xai_session *session, const xai_training_options *options)
{
    opening o = { .writer = { .fd = -1 } };
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || session == NULL || options == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : session == NULL ? "session" : "options");
    status = XAI__OPTIONS_READ(&o.options, options);
    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&o.run, o.options.run);
    if (status == XAI_OK && (o.options.flags & ~(uint32_t)XAI_TRAINING_EXIF || o.options.reserved != 0))
        status = xai__fail(XAI_E_INVALID, "flags of a training set are %u", o.options.flags);
    if (status == XAI_OK)
        status = create(&o.training, session->object.context);
    if (status < 0)
        return status;
    o.training->session = xai_session_ref(session);
    o.writer.context = session->object.context;
    status = open_set(&o);
    xai__features_writer_close(&o.writer);
    if (status < 0)
        xai_training_unref(o.training);
    else
        *out = o.training;
    return status;
}

/* --- features of the caller --- */

static xai_status check_shapes(const xai_tensor *features, const xai_tensor *weights, const xai_tensor *bias)
{
    char texts[3][64] = { "", "", "none" };

    xai__shape_text(texts[0], sizeof texts[0], features->shape, features->rank);
    xai__shape_text(texts[1], sizeof texts[1], weights->shape, weights->rank);
    if (bias != NULL)
        xai__shape_text(texts[2], sizeof texts[2], bias->shape, bias->rank);
    if (features->rank == 2 && weights->rank == 2 && features->shape[0] > 0 && features->shape[0] <= UINT32_MAX &&
        features->shape[1] > 0 && weights->shape[0] > 0 && weights->shape[1] == features->shape[1] &&
        (bias == NULL || (bias->rank == 1 && bias->shape[0] == weights->shape[0])))
        return XAI_OK;
    return xai__fail(XAI_E_SHAPE, "expected features N x D, weights C x D and bias C, got %s, %s and %s", texts[0],
                     texts[1], texts[2]);
}

/* Features stay the caller's tensor: they are the large part, and only read. */
static xai_status fill(xai_training *t, xai_tensor *features, const int64_t *labels, const xai_tensor *weights,
                       const xai_tensor *bias)
{
    xai_context *context = t->object.context;
    xai__constant matrix = { 0 }, vector = { 0 };
    xai_status status;

    t->n = t->examples.n = (size_t)features->shape[0];
    t->n_features = t->stride = (size_t)features->shape[1];
    t->n_classes = (size_t)weights->shape[0];
    t->tensor = xai_tensor_ref(features);
    t->features = features->data;
    t->examples.labels = xai__alloc_array(context, t->n, sizeof *labels);
    if (t->examples.labels == NULL)
        return XAI_E_NO_MEMORY;
    memcpy(t->examples.labels, labels, t->n * sizeof *labels);
    matrix.data = weights->data;
    vector.data = bias != NULL ? bias->data : NULL;
    status = copy_weights(t, &matrix, bias != NULL ? &vector : NULL);
    for (size_t i = 0; i < t->n && status == XAI_OK; i++)
        status = check_label(labels[i], t->n_classes, i);
    return status;
}

/* Shapes before numbers: whether all are finite can only be asked of what fits together. */
xai_status xai_training_wrap(xai_training **out, xai_context *context, xai_tensor *features, const int64_t *labels,
                             const xai_tensor *weights, const xai_tensor *bias)
{
    const char *missing = out == NULL        ? "out"
                          : context == NULL  ? "context"
                          : features == NULL ? "features"
                          : labels == NULL   ? "labels"
                          : weights == NULL  ? "weights"
                                             : NULL;
    xai_training *t = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (missing != NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", missing);
    status = check_shapes(features, weights, bias);
    if (status == XAI_OK)
        status = xai_tensor_check(features);
    if (status == XAI_OK)
        status = xai_tensor_check(weights);
    if (status == XAI_OK && bias != NULL)
        status = xai_tensor_check(bias);
    if (status == XAI_OK)
        status = create(&t, context);
    if (status < 0)
        return status;
    status = fill(t, features, labels, weights, bias);
    if (status < 0)
        xai_training_unref(t);
    else
        *out = t;
    return status;
}

/* --- handles --- */

xai_training *xai_training_ref(xai_training *training)
{
    if (training != NULL)
        xai__object_ref(&training->object);
    return training;
}

/* Half-built ones come here, too: what was not made is NULL or zero. A mapped cache goes here
 * and nowhere else: until then anybody with a reference may read features in it. */
void xai_training_unref(xai_training *training)
{
    xai_context *context;

    if (training == NULL || !xai__object_unref(&training->object))
        return;
    context = training->object.context;
    xai__examples_fini(&training->examples);
    xai__file_close(&training->cache);
    xai_tensor_unref(training->tensor);
    xai__free(context, training->block);
    xai__free(context, training->weights);
    xai_session_unref(training->session);
    xai__free(context, training);
    xai_context_unref(context);
}

size_t xai_training_count(const xai_training *training)
{
    return training != NULL ? training->n : 0;
}

int64_t xai_training_label(const xai_training *training, size_t index)
{
    return training != NULL && index < training->n ? training->examples.labels[index] : -1;
}

const char *xai_training_path(const xai_training *training, size_t index)
{
    return training != NULL && index < training->n && training->examples.paths != NULL ? training->examples.paths[index]
                                                                                       : NULL;
}

xai_status xai_training_image(xai_image **out, const xai_training *training, size_t index)
{
    XAI__ENTER(out);
    if (out == NULL || training == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "training");
    if (index >= training->n)
        return xai__fail(XAI_E_INVALID, "there is no example %zu, the set has %zu", index, training->n);
    if (training->session == NULL)
        return xai__fail(XAI_E_UNSUPPORTED, "the training set has features and no pictures");
    return xai__examples_image(out, &training->examples, index);
}
