/* SPDX-License-Identifier: MIT
 * Specialisation: what a graph says for one image, with everything that is known beforehand worked out. */
#ifndef XAI__MODEL_SPECIALISE_H
#define XAI__MODEL_SPECIALISE_H

#include "graph/graph.h"

/* Removes Identity nodes, whose names become aliases of what they pass on, and computes nodes of constants. */
xai_status xai__specialise(xai__graph *graph);

#endif
