/* SPDX-License-Identifier: MIT
 * RISE as its parts see it: masks by number, sums over them, maps with errors, when to stop. */
#ifndef XAI__EXPLAIN_PERTURB_RISE_H
#define XAI__EXPLAIN_PERTURB_RISE_H

#include <xai/rise.h>

#include "explain/perturb/perturb.h"

/* --- masks --- */

/* How cells become pixels. */
enum xai__rise_zoom {
    XAI__RISE_MIRROR, /* skimage's resize, order 1: (cells + 1) cells wide, mirrored about the outer centres */
    XAI__RISE_PADDED, /* TorchRay: a mirrored cell around it, bilinear, the image and a cell wide */
    XAI__RISE_EDGE,   /* tf.image's resize: edges repeated, (1 + 1 / cells) images wide */
    XAI__RISE_CUBIC   /* cv2's INTER_CUBIC, (cells + 1) cells wide, clipped */
};

enum { XAI__RISE_MAX_TAPS = 4, XAI__RISE_MAX_GRID = 64 };

/* The cells that a pixel along one side is mixed from. */
typedef struct xai__rise_tap {
    uint32_t cells[XAI__RISE_MAX_TAPS];
    double weights[XAI__RISE_MAX_TAPS];
} xai__rise_tap;

/* One side of all masks before they are shifted. */
typedef struct xai__rise_side {
    xai__rise_tap *taps; /* a pixel each */
    uint32_t size;       /* of the image */
    uint32_t n_shifts;   /* that a crop may start at */
} xai__rise_side;

/* A stream of masks; any can be made from its number. */
typedef struct xai__rise_masks {
    xai_context *context;
    uint32_t grid, n_taps;
    double keep;
    bool is_cubic, is_paired; /* is_paired: numbers 2 k and 2 k + 1 hide what the other shows */
    uint32_t shared_shifts;   /* so many masks in a row are shifted alike */
    xai__rise_side rows, columns;
    uint64_t seed;
    uint8_t *cells;   /* numpy's, n_masks x grid^2; NULL: by counter */
    uint32_t *shifts; /* numpy's, n_masks x 2 */
} xai__rise_masks;

/* Readies masks of height x width; grid, keep, seed, is_paired, shared_shifts and context are filled in. */
xai_status xai__rise_masks_init(xai__rise_masks *m, uint32_t height, uint32_t width, uint32_t zoom);

/* Takes cells and shifts of n masks from numpy's RandomState(seed), in eclique's order. */
xai_status xai__rise_masks_draw(xai__rise_masks *m, uint64_t n);

void xai__rise_masks_fini(xai__rise_masks *m);

/* Makes mask number index, height x width. Any thread. */
void xai__rise_mask(float *out, const xai__rise_masks *m, uint64_t index);

/* Its rows first to first + n - 1 alone. */
void xai__rise_mask_rows(float *out, const xai__rise_masks *m, uint64_t index, uint32_t first, uint32_t n);

/* What it is made of: 1 or 0 for each cell (of a pair's second one, what the first shows is 0), shifts down and across.
 */
void xai__rise_cells(double *cells, uint32_t shifts[2], const xai__rise_masks *m, uint64_t index);

/* --- sums --- */

/* What is made of scores and masks. */
enum xai__rise_estimate {
    XAI__RISE_COVARIANCE, /* of score and mask, over keep */
    XAI__RISE_MEAN,       /* of score times mask, over keep */
    XAI__RISE_PLAIN_MEAN, /* of score times mask */
    XAI__RISE_SUM,        /* of score times mask */
    XAI__RISE_RATIO       /* sum of score times mask over the sum of the masks */
};

/* Sums over masks, by pixel. With m the mask and s the score: */
typedef struct xai__rise_sums {
    xai_context *context;
    size_t n_pixels, n_targets;
    uint64_t n_units;
    uint32_t estimate;
    double keep;
    double *m, *mm;          /* sums of m and of m^2 */
    double *sm, *smm, *ssmm; /* of s m, s m^2, s^2 m^2; a target each */
} xai__rise_sums;

/* context to keep are filled in, n_units is 0. */
xai_status xai__rise_sums_init(xai__rise_sums *s);
void xai__rise_sums_fini(xai__rise_sums *s);

/* Adds a mask, and its score of each target. */
void xai__rise_sums_add(xai__rise_sums *s, const double *scores, const float *mask);

/* The map and the standard errors of a target so far. */
void xai__rise_sums_read(float *map, float *errors, const xai__rise_sums *s, size_t target);

/* --- the covariance, less what a linear function explains --- */

/* A side's blocks of pixels. */
typedef struct xai__rise_blocks {
    double *cells;  /* of each shift, block and cell */
    double *shares; /* of each pixel and block */
} xai__rise_blocks;

/* The covariance of score and mask over keep. A unit is a mask or a pair, whose score is half the difference of both
 * and whose mask is its second one. */
typedef struct xai__rise_control {
    xai_context *context;
    const xai__rise_masks *masks;
    size_t n_pixels, n_targets;
    uint32_t n_blocks; /* along a side */
    size_t n_columns;  /* of the regression: blocks, and a constant unless masks are paired */
    xai__rise_blocks rows, columns;
    double variance;             /* of a block's mean */
    uint64_t n_past;             /* units that are in sums and squares for good */
    size_t n_held;               /* units since */
    double *columns_of_held;     /* n_columns each */
    double *scores, *residuals;  /* of what is held, n_targets each */
    double *past, *folds, *work; /* products of columns, and of columns and scores */
    double *coefficients;        /* of each fold and target */
    double *sums, *squares;      /* of the past units' estimates, a target and pixel each */
    double *sums_now, *squares_now;
} xai__rise_control;

/* context, masks (borrowed) and n_targets are filled in. n_units: at most so many will come. */
xai_status xai__rise_control_init(xai__rise_control *c, uint64_t n_units);
void xai__rise_control_fini(xai__rise_control *c);

/* Adds the next unit: a score a target. */
xai_status xai__rise_control_add(xai__rise_control *c, const double *scores);

/* Readies all maps so far: one more pass over at most 2048 units' masks. Takes a team. */
xai_status xai__rise_control_gather(xai__rise_control *c);

/* The map and the standard errors of a target, as gathered last. */
void xai__rise_control_read(float *map, float *errors, const xai__rise_control *c, size_t target);

/* --- one computation --- */

/* What sets a profile apart, one row each. */
typedef struct xai__rise_profile {
    xai__profile profile;
    uint64_t n_masks;
    uint32_t grid, zoom, estimate, top_score, shared_shifts;
    bool is_numpy;   /* cells and shifts are numpy's */
    bool is_sigmoid; /* of the scores */
    bool finds_keep;
} xai__rise_profile;

typedef struct xai__rise {
    const xai__rise_profile *profile;
    xai_rise_options options; /* defaults filled in */
    xai_run_options run;
    xai__scorer scorer;
    xai_state *state; /* the options', once it is part of the run */
    xai__rise_masks masks;
    bool is_covariance;
    xai__rise_control control; /* of the covariance */
    xai__rise_sums sums;       /* of the other estimates */
    size_t n_pixels, n_targets;
    double *halves; /* scores of the first mask of a pair, a target each */
    double *scores; /* of a unit, likewise */
    float *map, *errors;
    uint64_t n_done, next_look;
    bool has_settled;
    uint64_t *regions; /* top regions at the last three looks, a target each, a bit a pixel */
    size_t n_looks;
} xai__rise;

/* Readies the maps so far, and reads one and its errors. */
xai_status xai__rise_gather(xai__rise *r);
void xai__rise_read(float *map, float *errors, const xai__rise *r, size_t target);

/* Whether the maps have settled, by the options' rules; looks only after certain numbers of masks. */
xai_status xai__rise_look(bool *settled, xai__rise *r);

/* Frees what looks left. */
void xai__rise_forget(xai__rise *r);

#endif
