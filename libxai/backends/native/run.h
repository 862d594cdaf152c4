/* SPDX-License-Identifier: MIT
 * A run: output pixels in a line that have the same taps. Kernels cut their work into runs; the code that is compiled
 * once an instruction set computes them. */
#ifndef XAI__NATIVE_RUN_H
#define XAI__NATIVE_RUN_H

#include "backends/native/geometry.h"

/* What a stage does, one of these for each of its spellings in the desc. */
enum xai__stage_code {
    XAI__DO_AFFINE,
    XAI__DO_SHIFT,
    XAI__DO_ADD,
    XAI__DO_MUL,
    XAI__DO_RELU,
    XAI__DO_CLIP,
    XAI__DO_SCALE, /* this and the next are what gradients pass: batch norms and ReLUs */
    XAI__DO_POSITIVE,
    XAI__DO_RARE, /* the codes below; not worth their room in every tile */
    XAI__DO_HARD_SIGMOID,
    XAI__DO_HARD_SWISH,
    XAI__DO_SEED,
    XAI__DO_BOTH,
    XAI__DO_INSIDE
};

typedef struct xai__native_stage {
    uint32_t code;      /* up to XAI__DO_RARE */
    uint32_t rare_code; /* any but XAI__DO_RARE */
    float low, high;
    const float *scale, *shift; /* whole blocks */
    int32_t operand;
    bool zero_tail; /* lanes beyond C have to be zeroed afterwards */
} xai__native_stage;

/* The stages of a chain. */
typedef struct xai__native_epilogue {
    uint32_t n_stages;
    uint32_t n_channels;
    xai__native_stage stages[XAI__MAX_STAGES];
} xai__native_epilogue;

/* Where the first pixel of a run lies in one value; strides in floats, block 0 and pixel 0 broadcast. */
typedef struct xai__place {
    float *data;
    int64_t block, pixel;
} xai__place;

/* Sums over blocks of input channels, then rows and columns of the kernel, then lanes. */
typedef struct xai__run {
    const xai__native_epilogue *epilogue;

    const float *in; /* the first tap of the first pixel */
    int64_t in_pixel, in_block, in_row, in_col;
    int64_t in_out;       /* lanes: from what one output block reads to what the next does */
    const float *weights; /* of the first output block, at the first tap */
    int64_t w_out, w_block, w_row, w_col;
    int32_t n_in, n_rows, n_cols;
    int32_t n_lanes, n_last_lanes; /* input channels in a block, and in the last */

    /* Matrix products: weights to come, which are asked for meanwhile: at each tap of each block of inputs so many
     * lines of 16, and of each output block, which lie as far apart as those of the weights. */
    const float *next;
    int32_t n_lines;

    size_t n_pixels;
    int32_t out_block, n_out; /* output blocks: the first, how many */
    float divisor;            /* AVERAGE */
    bool has_taps;
    xai__place out;
    xai__place operands[XAI__MAX_STAGES]; /* one a stage, data NULL where it has none */
    xai__place taps[XAI__MAX_STAGES + 1]; /* read only if has_taps */
} xai__run;

/* A register tile has this many output blocks by this many pixels at most. */
enum { XAI__TILE_BLOCKS = 4, XAI__TILE_PIXELS = 14 };

/* n_tiles tiles of the run, of n_blocks output blocks by n_pixels pixels each, from pixel `first` on. */
typedef void xai__dot_fn(const xai__run *run, size_t first, size_t n_tiles);

/* The whole of a run of one output block, lane by lane. */
typedef void xai__lane_fn(const xai__run *run);

enum xai__lane_op { XAI__LANE_COPY, XAI__LANE_FMA, XAI__LANE_MAX, XAI__LANE_AVERAGE, XAI__N_LANE_OPS };

/* The tiles of one instruction set; max_pixels is 0 where there is none so many blocks high. */
typedef struct xai__dot_table {
    int32_t usual_blocks;
    int32_t max_pixels[XAI__TILE_BLOCKS + 1];
    xai__dot_fn *tiles[XAI__TILE_BLOCKS + 1][XAI__TILE_PIXELS + 1]; /* [blocks][pixels] */
} xai__dot_table;

/* A table of convolutions into few channels has a run for 1, 2, 3 and 4 of them; it writes four sums a pixel to out. */
enum { XAI__FEW = 4 };

typedef struct xai__few_table {
    xai__lane_fn *runs[XAI__FEW];
} xai__few_table;

typedef struct xai__lane_table {
    xai__lane_fn *runs[XAI__N_LANE_OPS];
} xai__lane_table;

/* A window of a depthwise convolution, of one block. The run's input is the map's first pixel, its places are those of
 * the window's first pixel, their `block` leads from row to row. Leaves the places behind the last row. */
typedef void xai__slide_fn(xai__run *run, const xai__axis *rows, const xai__axis *cols, const xai__window *window);

/* [5 taps in a row, else 3][2 pixels apart, else 1]; every output has a tap in both directions that is inside. */
typedef struct xai__slide_table {
    xai__slide_fn *runs[2][2];
} xai__slide_table;

/* Windows of a max-pool in a line, of one block, that have the same taps inside the map. Strides in floats. Taps are
 * numbered row by row over the whole window. */
typedef struct xai__peaks {
    const float *x;                 /* the first tap inside, of the first window */
    int64_t x_row, x_col, x_window; /* between taps, between windows */
    float *at;                      /* a block a window: each lane's tap of the first maximum or the last NaN */
    int32_t tap, tap_row;           /* the first tap inside, from one row of taps to the next */
    int32_t n_rows, n_cols, n_windows;
} xai__peaks;

/* What goes from their dy to one row of dx. */
typedef struct xai__peaks_sent {
    const float *at, *dy; /* of the first window */
    int64_t dy_window;
    float *row;                  /* what lies under the row of taps: */
    int64_t row_col, row_window; /* between taps, between windows */
    int32_t tap;                 /* the first tap inside */
    int32_t n_cols, n_windows;
} xai__peaks_sent;

typedef struct xai__peaks_table {
    void (*find)(const xai__peaks *peaks);      /* writes at */
    void (*send)(const xai__peaks_sent *peaks); /* adds dy, lane by lane, where the tap is */
} xai__peaks_table;

/* Sums over the pixels of a map's gradient of its blocks of 16 channels times one input each, which moves along with
 * the pixel: a sum a block and shift. Strides in floats. */
typedef struct xai__correlation {
    const float *dy; /* the first pixel's block; a row's pixels follow each other */
    int64_t dy_row, dy_block;
    const float *x; /* the inputs of the first pixel lie `shifts` behind it */
    int64_t x_row, x_column;
    const int64_t *shifts;
    int32_t n_shifts, n_rows, n_columns; /* no rows: all sums are 0 */
    float *sums;                         /* [block][shift][16] */
} xai__correlation;

/* correlate takes up to n_blocks blocks at a time. correlate_rows takes a plane of dy, of n_columns numbers a row, a
 * multiple of 16, and inputs that follow each other as these do; its sums are numbers, rounded up to whole XAI__FEW of
 * them. */
typedef struct xai__correlations {
    int32_t n_blocks;
    void (*correlate)(const xai__correlation *correlation, int32_t n_blocks);
    void (*correlate_rows)(const xai__correlation *correlation);
} xai__correlations;

typedef struct xai__winograd_table xai__winograd_table;
typedef struct xai__products_table xai__products_table;
typedef struct xai__planes_table xai__planes_table;

/* What a step of a method costs on an instruction set, in cycles of one block of 16 lanes. Measured once, so that the
 * choice between methods is the same on every machine. */
typedef struct xai__costs {
    float fma;             /* one lane of an input block times a block of weights, in a full register tile */
    float winograd_in[2];  /* transforms of a patch: small, large */
    float winograd_out[2]; /* of a tile's outputs */
    float weights;         /* a block of weights that the second-level cache does not hold */
} xai__costs;

/* The code of one instruction set. */
typedef struct xai__level {
    const char *name;
    uint64_t cpu_features; /* that it needs */
    const xai__dot_table *dot;
    const xai__lane_table *lane;
    const xai__few_table *few;
    const xai__planes_table *planes;
    const xai__slide_table *slide;
    const xai__winograd_table *winograd;
    const xai__products_table *products;
    const xai__peaks_table *peaks;
    const xai__correlations *correlations;
    xai__costs costs;
} xai__level;

/* The best level that has these features, or the one of this name if it has them, else NULL. */
const xai__level *xai__level_find(const char *name, uint64_t cpu_features);

/* The index-th level, best first, NULL behind the last. */
const xai__level *xai__level_at(size_t index);

/* Moves a run to the blocks behind its first n. */
void xai__run_skip(xai__run *run, int32_t n_blocks);

/* How many of a run's blocks a tile takes at once. */
int32_t xai__run_tile_blocks(const xai__run *run, const xai__level *level);

/* Computes a run as a matrix product, in as many tiles as it takes. Leaves the run behind its last block. */
void xai__run_dot(xai__run *run, const xai__level *level);

/* The same a block at a time, lane by lane. */
void xai__run_lanes(xai__run *run, const xai__level *level, enum xai__lane_op op);

#endif
