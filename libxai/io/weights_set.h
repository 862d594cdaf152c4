/* SPDX-License-Identifier: MIT
 * How a set of weights is filled by the readers of the formats. */
#ifndef XAI__IO_WEIGHTS_SET_H
#define XAI__IO_WEIGHTS_SET_H

#include "io/file.h"
#include "io/weights.h"

enum { XAI__MAX_WEIGHTS = 100000, XAI__MAX_WEIGHT_NAME = 512 };

struct xai__weights {
    xai_context *context;
    xai__file file;
    xai__weight *items;
    size_t count, room;
    uint32_t *order; /* by name */
    const char **ignored;
    size_t n_ignored, ignored_room;
    struct xai__weights_block *blocks; /* names, and elements that had to be put in order */
    size_t kept;                       /* bytes in blocks */
    char *names;                       /* free room for names in the newest block of them */
    size_t names_left;
};

/* Takes a copy of weight, its name included. Refuses long names and too many tensors; offset is for messages. */
xai_status xai__weights_add(xai__weights *set, const xai__weight *weight, size_t offset);

/* Remembers a leaf that is no tensor. */
xai_status xai__weights_ignore(xai__weights *set, const char *name);

/* Memory that lives as long as the set; refuses more than the file's size and a fixed sum in all. */
xai_status xai__weights_keep(void **out, xai__weights *set, size_t size, const char *name);

/* The readers; set->file is open and the rest empty. */
xai_status xai__safetensors_read(xai__weights *set);
xai_status xai__pth_read_zip(xai__weights *set);
xai_status xai__pth_read_legacy(xai__weights *set);

#endif
