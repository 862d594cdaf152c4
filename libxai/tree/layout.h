/* SPDX-License-Identifier: MIT
 * Where the nodes of an outline stand in a picture: levels from left to right, a leaf a row. */
#ifndef XAI__TREE_LAYOUT_H
#define XAI__TREE_LAYOUT_H

#include "tree/outline.h"

/* What a picture decides. */
typedef struct xai__layout_options {
    uint32_t row_height;    /* from one leaf to the next */
    uint32_t gap;           /* between levels, for edges */
    const uint32_t *widths; /* of each node */
    uint32_t left, top;     /* of the whole */
} xai__layout_options;

typedef struct xai__layout {
    xai_context *context;
    uint32_t *x;      /* left side of each node */
    uint32_t *y;      /* its middle */
    uint32_t *levels; /* left side of each level, and one more: where the last ends */
    uint32_t right, bottom;
} xai__layout;

/* In linear time and without recursion. An inner node stands in the middle between its first and its last child, so
 * that it has its height to itself on its level; a leaf has its height to itself in the whole picture, so that its
 * words may run on over the levels behind it. */
xai_status xai__layout_create(xai__layout *layout, const xai__outline *outline, const xai__layout_options *options);

/* Takes a zeroed or half-made layout too. */
void xai__layout_fini(xai__layout *layout);

#endif
