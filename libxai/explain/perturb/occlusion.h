/* SPDX-License-Identifier: MIT
 * Occlusion as its parts see it: windows on a grid, what they are filled with, what becomes of the drops. */
#ifndef XAI__EXPLAIN_PERTURB_OCCLUSION_H
#define XAI__EXPLAIN_PERTURB_OCCLUSION_H

#include <xai/occlusion.h>

#include "explain/perturb/perturb.h"

/* What the map is made of. */
enum xai__occlusion_map {
    XAI__OCCLUSION_MEAN,  /* mean drop over the windows that cover a pixel */
    XAI__OCCLUSION_SUM,   /* its sum */
    XAI__OCCLUSION_WINDOW /* an element a window: the rise of the score */
};

/* What sets a profile apart, one row each. */
typedef struct xai__occlusion_profile {
    xai__profile profile;
    uint32_t window;      /* by default */
    uint32_t stride;      /* by default; 0: half a window, UINT32_MAX: a window */
    uint32_t map;         /* of enum xai__occlusion_map */
    bool is_padded;       /* by half a window all around */
    bool has_cut_windows; /* the last ones, at the border; they leave no gaps, so strides may not exceed a window */
    bool starts_late;     /* rows start one stride too far right */
} xai__occlusion_profile;

/* A window of the image that is covered, or of what of it lies inside. */
typedef struct xai__window {
    int64_t top, left, bottom, right;
} xai__window;

/* Windows at multiples of a stride. */
typedef struct xai__window_grid {
    int64_t height, width;               /* of the image */
    int64_t rows, columns;               /* of windows */
    int64_t window_height, window_width; /* of a window */
    int64_t stride_height, stride_width;
    int64_t shift; /* of all windows to the right */
} xai__window_grid;

/* Window number index, row by row, cut off at the border. */
xai__window xai__window_at(const xai__window_grid *grid, uint64_t index);

/* One computation. */
typedef struct xai__occlusion {
    const xai__occlusion_profile *profile;
    xai_occlusion_options options; /* defaults filled in */
    xai_run_options run;
    xai_tensor *image;    /* the input, padded where the profile does */
    xai_tensor *baseline; /* what windows are filled with */
    xai__window_grid grid;
    xai__scorer scorer;
    uint64_t n_windows, n_done;
    double *scores;      /* n_windows x targets */
    bool is_incremental; /* only what windows reach was computed */
    double share;        /* of the arithmetic of whole pictures, that this takes */
} xai__occlusion;

/* Fills in the grid for an image; fails where no window fits. */
xai_status xai__occlusion_place(xai__occlusion *o);

/* Scores all windows. XAI_PARTIAL: some. */
xai_status xai__occlusion_run(xai__occlusion *o);

/* Scores them by regions, where that pays; ran: whether it did. The session's purpose is WINDOWED. */
xai_status xai__occlusion_run_regions(bool *ran, xai__occlusion *o);

/* The map of one target, from the windows that were scored. */
xai_status xai__occlusion_map(xai_tensor **out, const xai__occlusion *o, size_t target);

#endif
