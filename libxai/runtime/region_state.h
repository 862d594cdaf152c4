/* SPDX-License-Identifier: MIT
 * What the parts of the region runner share: memory in which every value of a plan stays, and what changed in it. */
#ifndef XAI__RUNTIME_REGION_STATE_H
#define XAI__RUNTIME_REGION_STATE_H

#include "core/threads.h"
#include "runtime/plan.h"
#include "runtime/region.h"
#include "runtime/step.h"

/* A buffer as planes of rows of pixels, so that a window of it can be copied. One whose places differ in shape is one
 * pixel: all of it changed, or nothing. */
typedef struct xai__grid {
    int32_t height, width;
    size_t n_planes;
    int64_t pixel; /* floats; 0: nobody writes it */
} xai__grid;

/* Memory for some buffers of a plan, of several images. */
typedef struct xai__bed {
    float *data;
    size_t *offsets; /* of each buffer, in floats; XAI__NOT_HERE */
    size_t size;     /* floats an image */
} xai__bed;

#define XAI__NOT_HERE SIZE_MAX

/* The steps before `split` run one picture at a time, each thread in a head of its own: large maps, small weights.
 * Those from there on run for all pictures of a batch at once, each in its tail, so that weights are read once for all.
 * Heads and tails hold the clean picture's values between batches. */
struct xai__region {
    xai_context *context;
    xai_session *session; /* a reference */
    xai__plan *plan;
    int32_t *places; /* one a fetch: where it is delivered from */
    size_t n_fetches;
    size_t input; /* the fed buffer */
    xai__grid *grids;
    xai__bed clean, heads, tails;
    size_t split, n_heads, n_tails;
    xai__window *dirty;   /* n_tails + 1 rows, a window a buffer; the last is for asking what would change */
    xai__window *windows; /* n_tails: what a step computes */
    unsigned char *scratch;
};

/* --- region_memory.c --- */

/* Decides the split and how many heads and tails the budget allows, and takes the memory. */
xai_status xai__region_lay_out(xai__region *region, uint64_t budget);
void xai__region_free_memory(xai__region *region);

/* Copies the window of a buffer from an image of one bed to that of another. */
void xai__region_copy(const xai__region *region, size_t buffer, const xai__window *window, const xai__bed *to,
                      size_t to_image, const xai__bed *from, size_t from_image);

/* Makes an image of a bed clean again, where a row says that it is not. */
void xai__region_restore(const xai__region *region, const xai__bed *bed, size_t image, const xai__window *dirty);

xai__window *xai__region_row(const xai__region *region, size_t image);

/* --- region_step.c --- */

/* Some images of a bed, and what changed in each. */
typedef struct xai__frame {
    const xai__region *region;
    const xai__bed *bed;
    size_t first, n;
    xai__window *dirty;   /* n rows; NULL: compute everything */
    xai__window *windows; /* room for n */
} xai__frame;

static inline bool xai__window_is_empty(const xai__window *w)
{
    return w->y0 >= w->y1 || w->x0 >= w->x1;
}

/* What of a step's result changes with what a row says, and notes it there. */
xai__window xai__region_reach(const xai__region *region, const xai__step *step, xai__window *dirty);

/* Runs a step on what it reaches, on the team's lanes; a team of one works in the scratch memory of `lane`. */
void xai__region_step(const xai__frame *frame, const xai__step *step, xai__team *team, size_t lane);

#endif
