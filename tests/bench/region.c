/* SPDX-License-Identifier: MIT
 * What windows of one picture cost beside whole pictures: patches of 16 every 8 pixels, in one run. Rounds go through
 * all ways in turns; the least time counts, a picture.
 *
 * Usage: region [ARCHITECTURE [ROUNDS [THREADS [MEGABYTES]]]] */
#include <string.h>

#include "core/tensor.h"
#include "passes.h"
#include "runtime/region.h"

/* A round runs this many of the patches, spread over the picture, and this many whole pictures at a time. */
enum { PATCH = 16, STRIDE = 8, BATCH = 16, MOST_PATCHES = 1024 };

typedef struct bench {
    xai_model *model;
    xai_tensor *clean, *other, *batch;
    xai__patch patches[MOST_PATCHES];
    size_t n;
    float *logits;
} bench;

/* All positions, row by row. */
static void place_patches(bench *b)
{
    const int32_t height = (int32_t)b->clean->shape[2], width = (int32_t)b->clean->shape[3];

    for (int32_t y = 0; y + PATCH <= height; y += STRIDE)
        for (int32_t x = 0; x + PATCH <= width && b->n < MOST_PATCHES; x += STRIDE)
            b->patches[b->n++] = (xai__patch){ y, y + PATCH, x, x + PATCH, 0, 3, b->other->data };
}

static xai_session *make_session(const bench *b, uint32_t purpose)
{
    const xai_session_options options = { .struct_size = sizeof options, .purpose = purpose };
    xai_session *session = NULL;

    passes_insist(xai_session_create(&session, b->model, &options));
    return session;
}

/* Seconds a picture. */
static double time_whole(const bench *b, xai_session *session)
{
    double start = passes_now();
    xai_tensor *logits = NULL;

    passes_insist(xai_session_forward(&logits, session, b->batch));
    xai_tensor_unref(logits);
    return (passes_now() - start) / BATCH;
}

static double time_windows(const bench *b, xai__region *region)
{
    double start = passes_now();

    passes_insist(xai__region_run(region, b->patches, b->n, &b->logits));
    return (passes_now() - start) / (double)b->n;
}

static xai_tensor *make_batch(const bench *b)
{
    const int64_t shape[4] = { BATCH, 3, b->clean->shape[2], b->clean->shape[3] };
    xai_tensor *batch = NULL;

    passes_insist(xai_tensor_create(&batch, b->model->object.context, shape, 4));
    for (size_t i = 0; i < BATCH; i++)
        memcpy(batch->data + i * b->clean->size, b->clean->data, b->clean->size * sizeof(float));
    return batch;
}

static void compare(const bench *b, int rounds, uint64_t budget)
{
    static const struct way {
        const char *name;
        uint32_t purpose;
    } ways[] = { { "whole, WINDOWED", XAI_PURPOSE_WINDOWED },
                 { "whole, THROUGHPUT", XAI_PURPOSE_THROUGHPUT },
                 { "whole, LATENCY", XAI_PURPOSE_LATENCY } };
    xai_session *sessions[3];
    xai__region *region = NULL;
    double best[4] = { 1e9, 1e9, 1e9, 1e9 };

    for (size_t i = 0; i < 3; i++)
        sessions[i] = make_session(b, ways[i].purpose);
    passes_insist(xai__region_create(&region, sessions[0], b->clean, &b->model->graph.output, 1, budget));
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < 4; i++) {
            double t = i < 3 ? time_whole(b, sessions[i]) : time_windows(b, region);

            best[i] = t < best[i] ? t : best[i];
        }
    printf("windows             %8.3f ms; arithmetic allows %.2fx\n", 1e3 * best[3],
           1 / xai__region_share(region, b->patches, b->n));
    for (size_t i = 0; i < 3; i++)
        printf("%-19s %8.3f ms = %.2fx\n", ways[i].name, 1e3 * best[i], best[i] / best[3]);
    xai__region_destroy(region);
    for (size_t i = 0; i < 3; i++)
        xai_session_unref(sessions[i]);
}

int main(int argc, char **argv)
{
    const char *architecture = argc > 1 ? argv[1] : "resnet18";
    const int rounds = argc > 2 ? atoi(argv[2]) : 3, threads = argc > 3 ? atoi(argv[3]) : 0;
    const int megabytes = argc > 4 ? atoi(argv[4]) : 256;
    xai_context_options options = { .struct_size = sizeof options, .n_threads = (uint32_t)threads };
    xai_context *context = NULL;
    bench b = { 0 };

    passes_insist(xai_context_create(&context, &options));
    passes_insist(xai_model_build(&b.model, context, architecture, NULL, NULL));
    b.clean = passes_input(context);
    b.other = passes_input(context);
    memset(b.other->data, 0, b.other->size * sizeof(float));
    b.batch = make_batch(&b);
    place_patches(&b);
    b.logits = calloc(b.n * b.model->graph.values[b.model->graph.output].size, sizeof *b.logits);
    printf("%s, %zu patches of %d, budget %d MB\n", architecture, b.n, PATCH, megabytes);
    compare(&b, rounds, (uint64_t)megabytes << 20);
    free(b.logits);
    xai_tensor_unref(b.batch);
    xai_tensor_unref(b.other);
    xai_tensor_unref(b.clean);
    xai_model_unref(b.model);
    xai_context_unref(context);
    return EXIT_SUCCESS;
}
