/* SPDX-License-Identifier: MIT
 * A loaded model: its graph and weights, how pictures are prepared, labels; and, opaque here, what the runtime keeps
 * with it. */
#ifndef XAI__MODEL_MODEL_H
#define XAI__MODEL_MODEL_H

#include <pthread.h>

#include <xai/model.h>

#include "core/object.h"
#include "graph/graph.h"
#include "io/weights.h"

/* From picture to tensor: resize the shorter side, crop the centre, (x * scale - mean) / std. */
typedef struct xai__preparation {
    int32_t resize, crop_height, crop_width;
    uint32_t filter;
    float scale, mean[3], std[3];
    bool is_bgr;
} xai__preparation;

typedef struct xai__labels {
    char **texts;
    size_t count;
} xai__labels;

typedef struct xai__cache xai__cache;

struct xai_model {
    xai__object object;
    char *architecture;
    xai__graph graph;
    xai__weights *weights; /* the graph's constants point into it; NULL: random ones, or the base's */
    xai_model *base;       /* whose names and constants the graph shares; NULL: none */
    xai__preparation preparation;
    xai__labels labels;
    char *cam_layer, *tutorial_layer, *classifier; /* as the manifest or the architecture says; NULL: unsaid */
    char *hierarchy;                               /* path of the file that the manifest names; NULL: unsaid */
    bool gives_probabilities;                      /* the output is normalised already */

    pthread_mutex_t lock; /* for what follows */
    xai__cache *cache;
    void (*free_cache)(xai_context *context, xai__cache *cache);
    char **aliases;  /* a value each, for xai_model_layer(); NULL: not asked for yet */
    uint64_t digest; /* 0: not computed yet */
};

/* An empty model with one reference. */
xai_status xai__model_create(xai_model **out, xai_context *context);

/* A model that begins as another one does, which it keeps: the same graph, which may then be added to, preparation,
 * labels and layers (derive.c). */
xai_status xai__model_derive(xai_model **out, xai_model *base, const char *architecture);

/* The file that its constants may lie in; NULL: none. */
const xai__weights *xai__model_weights(const xai_model *model);

void xai__model_free_aliases(xai_model *model);

/* A number that changes with architecture and weights; how pictures are prepared shows in the digests of inputs. */
uint64_t xai__model_digest(xai_model *model);

#endif
