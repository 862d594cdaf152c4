/* SPDX-License-Identifier: MIT
 * Names of values: module paths, calls of reused modules, containers. */
#ifndef XAI__GRAPH_NAMES_H
#define XAI__GRAPH_NAMES_H

#include "core/text.h"
#include "graph/graph.h"

/* The next call of module path gave value. Several paths may name one value. */
xai_status xai__graph_name(xai__graph *graph, int32_t value, const char *path);

/* After the last node: gives every named value its canonical name. The last call of a module has the path itself, call
 * k of a reused one is path#k. */
xai_status xai__graph_finish_names(xai__graph *graph);

/* Finds a value by canonical name, alias, path#k or container (its last child's output). XAI_E_NOT_FOUND lists near
 * names. */
xai_status xai__graph_find(int32_t *out, const xai__graph *graph, const char *name);

/* Adds the other names of value, comma-separated: further paths, then the containers that it ends. */
void xai__graph_aliases(xai__text *out, const xai__graph *graph, int32_t value);

#endif
