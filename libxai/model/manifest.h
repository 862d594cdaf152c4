/* SPDX-License-Identifier: MIT
 * Manifests: a model in one JSON file (docs/models.md). */
#ifndef XAI__MODEL_MANIFEST_H
#define XAI__MODEL_MANIFEST_H

#include "io/json.h"
#include "model/model.h"

/* What a manifest says; texts are owned. Numbers that it does not say keep what they were. */
typedef struct xai__manifest {
    xai__json *json;
    const char *architecture, *sha256;  /* borrowed from json */
    char *weights, *labels, *hierarchy; /* paths, joined to the manifest's folder; NULL: unsaid */
    xai__json_value inline_labels;      /* an array or object in place of a file */
    bool has_inline_labels;
    xai__json_value input; /* the object of that name */
    bool has_input;
    const char *cam_layer, *classifier; /* borrowed */
    bool gives_probabilities;
} xai__manifest;

/* Reads and checks a manifest; out is zeroed first. */
xai_status xai__manifest_load(xai__manifest *out, xai_context *context, const char *path);
void xai__manifest_fini(xai__manifest *manifest, xai_context *context);

/* Overwrites what "input" says. */
xai_status xai__manifest_input(const xai__manifest *manifest, xai__preparation *preparation);

#endif
