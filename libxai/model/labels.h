/* SPDX-License-Identifier: MIT
 * Class labels: a JSON object of index strings, a JSON array, or one a line. */
#ifndef XAI__MODEL_LABELS_H
#define XAI__MODEL_LABELS_H

#include "io/json.h"
#include "model/model.h"

/* Each fills zeroed labels with exactly n_classes texts, or fails with a sentence. */
xai_status xai__labels_load(xai__labels *labels, xai_context *context, const char *path, size_t n_classes);
xai_status xai__labels_read(xai__labels *labels, xai_context *context, xai__json_value value, size_t n_classes);

xai_status xai__labels_copy(xai__labels *labels, xai_context *context, const xai__labels *from);

void xai__labels_fini(xai__labels *labels, xai_context *context);

#endif
