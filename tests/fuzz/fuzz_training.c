/* SPDX-License-Identifier: MIT
 * Any bytes as a list of training examples (after an L) and as a cache of features (after anything else; after an R its
 * digests are mended first, so that what lies behind them is reached). */
#include <string.h>

#include "core/hash.h"
#include "explain/influence/influence.h"
#include "fuzz.h"
#include "model/model.h"

/* Only its number of classes matters. */
static xai_model *model_of(xai_context *context)
{
    static const int64_t row[2] = { 1, 10 };
    xai_model *model = NULL;

    if (xai__model_create(&model, context) < 0)
        abort();
    model->graph.output = xai__graph_add_value(&model->graph, row, 2);
    return model;
}

static void read_list(xai_context *context, const uint8_t *data, size_t size)
{
    xai__examples examples = { .context = context };
    xai_model *model = model_of(context);
    xai__file file;
    xai_status status;

    if (xai__file_wrap(&file, context, data, size) < 0)
        abort();
    status = xai__examples_read(&examples, &file, model);
    if ((status == XAI_OK) != (examples.n > 0) && status == XAI_OK)
        abort();
    if (status < 0 && xai_last_error()[0] == '\0')
        abort();
    for (size_t i = 0; i < examples.n; i++)
        if (examples.paths[i][0] == '\0' || examples.labels[i] < 0 || examples.labels[i] >= 10)
            abort();
    xai__examples_fini(&examples);
    xai__file_close(&file);
    xai_model_unref(model);
}

static void mend(uint8_t *data, size_t size, const xai__features_kind *kind)
{
    uint64_t digest = xai__hash(0, data, 40), key;
    size_t record = 16 + (size_t)kind->n_features * 4;

    memcpy(data + 40, &digest, sizeof digest);
    for (size_t at = 64; at + record <= size; at += record) {
        memcpy(&key, data + at, sizeof key);
        digest = xai__hash(key, data + at + 16, record - 16);
        memcpy(data + at + 8, &digest, sizeof digest);
    }
}

static void read_cache(xai_context *context, uint8_t *data, size_t size, bool mends)
{
    xai__features_kind kind = { 1, 2, 3 };
    size_t n = 0;
    xai__file file;
    float sum = 0;

    if (size >= 64)
        memcpy(&kind, data + 16, sizeof kind);
    if (mends && size >= 64 && kind.n_features < size)
        mend(data, size, &kind);
    if (xai__file_wrap(&file, context, data, size) < 0)
        abort();
    if (xai__features_check(&n, &file, &kind) < 0 && (n != 0 || xai_last_error()[0] == '\0'))
        abort();
    for (size_t i = 0; i < n; i++) /* reads every element */
        for (size_t k = 0; k < kind.n_features; k++)
            sum += xai__features_at(&file, &kind, i)[k];
    if (n > 0 && xai__features_key(&file, &kind, n - 1) == 0 && sum == 1)
        n = 0; /* keeps the sum */
    xai__file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xai_context *context = fuzz_context();
    uint8_t *copy = malloc(size + 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    if (size > 0 && data[0] == 'L')
        read_list(context, copy + 1, size - 1);
    else if (size > 0)
        read_cache(context, copy + 1, size - 1, data[0] == 'R');
    free(copy);
    xai_context_unref(context);
    return 0;
}
