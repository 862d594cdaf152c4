/* SPDX-License-Identifier: MIT
 * How a JSON document is kept: its values in the order of the text, strings decoded beside them. */
#ifndef XAI__IO_JSON_NODE_H
#define XAI__IO_JSON_NODE_H

#include "io/json.h"

#define XAI__JSON_NO_KEY UINT32_MAX

/* Objects with more members have their keys sorted, for lookups and to find duplicates. */
enum { XAI__JSON_SMALL_OBJECT = 8 };

typedef struct xai__json_node {
    uint32_t key;    /* offset in strings, or XAI__JSON_NO_KEY */
    uint32_t offset; /* in the text */
    uint32_t next;   /* the node behind this one and all it holds */
    uint32_t count;  /* members; bytes of a string */
    union {
        int64_t integer;
        double number;
        uint32_t text;  /* offset in strings */
        uint32_t order; /* of an object's members, offset in order */
        bool truth;
    };
    uint8_t kind;
    bool last; /* of its parent's members */
} xai__json_node;

struct xai__json {
    xai_context *context;
    xai__file file; /* where the document opened it */
    char *name;
    const unsigned char *text;
    size_t size;
    size_t offset; /* of text in its file */
    xai__json_node *nodes;
    size_t n_nodes, node_room;
    char *strings; /* NUL-terminated; never longer than the text */
    size_t n_strings;
    uint32_t *order; /* members of large objects, sorted by key */
    size_t n_order, order_room;
};

/* "NAME: line L, byte B: words" for an offset in the text. */
xai_status xai__json_fail_at(const xai__json *json, xai_status status, size_t offset, const char *words);

#endif
