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

/* Windows of the grid between four corners, which were run; they may be the same row or column. Coarse to fine. */
typedef struct xai__cell {
    int64_t top, left, bottom, right; /* rows and columns of windows, inclusive */
    double worth;                     /* of a closer look; NaN: not judged yet, negative: there is nothing between */
} xai__cell;

/* Regions in which the windows of a computation are run. */
typedef struct xai__occlusion_regions xai__occlusion_regions;

/* One computation. */
typedef struct xai__occlusion {
    const xai__occlusion_profile *profile;
    xai_occlusion_options options; /* defaults filled in */
    xai_run_options run;
    xai_tensor *image;    /* the input, padded where the profile does */
    xai_tensor *baseline; /* what windows are filled with */
    xai__window_grid grid;
    xai__scorer scorer;
    xai_state *state;                               /* the options', once it is part of the run */
    uint64_t n_windows, n_wanted, n_listed, n_done; /* of the grid; that are to be run; chosen so far; run so far */
    uint64_t *order;                                /* windows as they are run; NULL: as they lie */
    double *scores;                                 /* in that order, n_wanted x targets */
    xai__occlusion_regions *regions;                /* NULL: whole pictures are run */
    double work;                                    /* done, in whole pictures */

    /* Coarse to fine; all NULL and 0 where every window is run. */
    int64_t step;     /* of the first pass, in windows */
    uint64_t n_first; /* windows of the first pass */
    uint64_t *place;  /* n_windows: 1 + where in order; 0: not there */
    xai__cell *cells; /* room for n_windows */
    uint32_t *ranks;  /* as much: cells, the worthiest first */
    double *scales;   /* a target each: largest drop of the first pass */
    size_t n_cells;
} xai__occlusion;

/* Fills in the grid for an image; fails where no window fits. */
xai_status xai__occlusion_place(xai__occlusion *o);

/* Scores the windows that are wanted. XAI_PARTIAL: some. */
xai_status xai__occlusion_run(xai__occlusion *o);

/* Chooses which windows are run: all of them, or those of a first pass. */
xai_status xai__occlusion_plan(xai__occlusion *o);

/* Chooses more, once all that were chosen before have been run; none if these were all. */
void xai__occlusion_list_more(xai__occlusion *o);

/* The grid's number of the window that is run as number index. */
uint64_t xai__occlusion_window(const xai__occlusion *o, uint64_t index);

/* Replaces NaN in the drops of all windows of the grid by what the others say. Those of the first pass are none. */
void xai__occlusion_fill(double *drops, const xai__occlusion *o);

/* Sets o->regions if computing only what the windows chosen so far reach pays; asks for a WINDOWED scorer. */
xai_status xai__occlusion_open_regions(xai__occlusion *o);
void xai__occlusion_close_regions(xai__occlusion *o);

/* Scores the chosen windows by regions. */
xai_status xai__occlusion_run_regions(xai__occlusion *o);

/* The map of one target, from the windows that were scored. */
xai_status xai__occlusion_map(xai_tensor **out, const xai__occlusion *o, size_t target);

#endif
