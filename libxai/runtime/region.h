/* SPDX-License-Identifier: MIT
 * Regions: the network on many pictures that differ from one in a rectangle, computing only what the rectangle reaches.
 */
#ifndef XAI__RUNTIME_REGION_H
#define XAI__RUNTIME_REGION_H

#include "runtime/session.h"

/* A clean picture, all its values in the WINDOWED plan for some fetches, and the memory in which windows are run. */
typedef struct xai__region xai__region;

/* A changed picture: rows [y0, y1) and columns [x0, x1) of channels [c0, c1) are those of another picture, all else is
 * the clean one's. May be empty. */
typedef struct xai__patch {
    int32_t y0, y1, x0, x1, c0, c1;
    const float *picture; /* C x H x W, of which only the rectangle is read; patches may share one */
} xai__patch;

/* Runs the clean picture (1 x C x H x W, not kept) once. Whatever the session's purpose, the plan is the WINDOWED one;
 * fetches are values of the model's graph, each once. budget: bytes for all values of the clean picture, what changed
 * of them in several pictures at once, and nothing else; it decides the speed, never a bit. Results are those of
 * xai__session_run() for a session of purpose XAI_PURPOSE_WINDOWED on the changed pictures, bit by bit, where
 * xai__model_is_exact().
 *
 * XAI_E_LIMIT if the budget is too small for one picture at a time: about twice the bytes of all values.
 * XAI_E_UNSUPPORTED if an edit hook is attached, which would have to be asked about every picture. Callers then run
 * whole pictures; the former gives the same bits. */
xai_status xai__region_create(xai__region **out, xai_session *session, const xai_tensor *picture,
                              const int32_t *fetches, size_t n_fetches, uint64_t budget);
void xai__region_destroy(xai__region *region); /* NULL: nothing */

/* The values of n changed pictures: out[i], n x the size of fetches[i], compact. Patches are independent of each other.
 * XAI_E_INVALID if one reaches outside of the picture; XAI_E_CANCELLED, and out is then undefined. Run them in the
 * order in which they lie, many at a time: each thread takes a contiguous share of a few dozen. */
xai_status xai__region_run(xai__region *region, const xai__patch *patches, size_t n, float *const *out);

/* The clean picture's fetches[fetch], compact. */
void xai__region_clean(const xai__region *region, size_t fetch, float *out);

/* How much of the arithmetic of whole runs these patches need, 0 to 1. The patches must lie inside the picture. */
double xai__region_share(xai__region *region, const xai__patch *patches, size_t n);

#endif
