/* SPDX-License-Identifier: MIT
 * What this library and this context are, as JSON. */
#include "config.h"

#include <xai/model.h>

#include "backends/registry.h"
#include "core/context.h"
#include "core/cpu.h"
#include "core/error.h"
#include "io/json_write.h"

static void write_names(xai__json_writer *w, const char *key, const char *(*name)(size_t index))
{
    xai__json_write_array(w, key);
    for (size_t i = 0; name(i) != NULL; i++)
        xai__json_write_string(w, NULL, name(i));
    xai__json_write_end(w);
}

static const char *picture_format(size_t index)
{
    static const char *const names[] = {
#ifdef XAI_HAVE_PNG
        "png",
#endif
#ifdef XAI_HAVE_JPEG
        "jpeg",
#endif
        NULL,
    };

    return names[index];
}

static const char *weight_format(size_t index)
{
    static const char *const names[] = { "safetensors", "pth", NULL };

    return names[index];
}

static void write_features(xai__json_writer *w, uint64_t features)
{
    xai__json_write_array(w, "cpu");
    for (size_t i = 0; xai__cpu_feature_name(features, i) != NULL; i++)
        xai__json_write_string(w, NULL, xai__cpu_feature_name(features, i));
    xai__json_write_end(w);
}

size_t xai_context_json(xai_context *context, char *buffer, size_t capacity)
{
    xai__json_writer w;
    size_t length;

    xai__enter();
    xai__json_writer_init(&w, context);
    xai__json_write_object(&w, NULL);
    xai__json_write_string(&w, "version", xai_version_string());
    xai__json_write_string(&w, "backends", context->backends);
    write_names(&w, "available", xai__backends_name);
    write_features(&w, context->cpu_features);
    xai__json_write_integer(&w, "threads", context->pool.n_threads);
    write_names(&w, "pictures", picture_format);
    write_names(&w, "weights", weight_format);
    write_names(&w, "architectures", xai_architecture);
    xai__json_write_end(&w);
    length = xai__json_writer_copy(&w, buffer, capacity);
    xai__json_writer_fini(&w);
    return length;
}
