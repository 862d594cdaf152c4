/* SPDX-License-Identifier: MIT
 * What all native kernels share: the plan, the cut into tasks, the sweep over a part of the output. */
#ifndef XAI__NATIVE_KERNEL_H
#define XAI__NATIVE_KERNEL_H

#include "backends/native/geometry.h"
#include "backends/native/run.h"

typedef struct xai__native_kernel xai__native_kernel;

/* One algorithm. Rows of a static table, asked in order. */
typedef struct xai__method {
    const char *name; /* "conv-direct" */
    bool (*takes)(const xai__op_desc *desc, const xai__level *level);
    void (*plan)(xai__native_kernel *kernel); /* layouts, packing, scratch, grid; its fields are set otherwise */
    /* n_images is 1 unless the method joins images. */
    void (*part)(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part, float *scratch);
    bool joins_images; /* where each has one row */
    int32_t tile;      /* outputs in a square of so many by so many share their sums; 0 or 1: none do */

    /* In place of the grid's, and then of part(); NULL: the grid's. */
    size_t (*n_tasks)(const xai__native_kernel *kernel, const xai__args *args);
    void (*task)(const xai__native_kernel *kernel, const xai__args *args, size_t index, float *scratch);
} xai__method;

struct xai__native_kernel {
    xai__kernel base;
    const xai__method *method;
    const xai__level *level;
    xai__op_desc desc; /* stages are not kept */
    xai__axis rows, cols;
    xai__native_epilogue epilogue;
    int32_t n_blocks; /* of the output */

    bool is_dot; /* a matrix product, else lane by lane: */
    enum xai__lane_op op;
    bool cols_are_lanes; /* the taps of a row lie side by side, as lanes do elsewhere */

    /* The grid of tasks: this many blocks of this many rows, counted through all images. */
    int32_t task_blocks, task_rows;
    int32_t task_tiles; /* in place of rows */
    char name[48];
};

extern const xai__method xai__method_conv_stem, xai__method_conv_winograd4, xai__method_conv_winograd2,
    xai__method_conv_direct, xai__method_conv_few, xai__method_conv_planes, xai__method_conv_data,
    xai__method_depthwise, xai__method_gemm, xai__method_pool, xai__method_pool_data, xai__method_average_data,
    xai__method_pad_channels, xai__method_map, xai__method_conv_weights, xai__method_depthwise_weights;

/* Of CONV_WEIGHTS: the rows of dy whose row of x under the row ky of taps is in the map, first to *end. */
int32_t xai__rows_under(int32_t *end, const xai__op_desc *desc, int32_t ky);

static inline int32_t xai__blocks_of(int32_t channels)
{
    return (channels + XAI__BLOCK - 1) / XAI__BLOCK;
}

/* Channels of one group. */
static inline int32_t xai__group_inputs(const xai__op_desc *desc)
{
    return desc->in_c / (int32_t)desc->groups;
}

static inline int32_t xai__group_outputs(const xai__op_desc *desc)
{
    return desc->out_c / (int32_t)desc->groups;
}

/* Every channel is a group of its own. */
static inline bool xai__is_depthwise(const xai__op_desc *desc)
{
    return xai__group_inputs(desc) == 1 && xai__group_outputs(desc) == 1;
}

/* One group, or groups that consist of whole blocks of inputs and outputs. */
static inline bool xai__groups_are_blocks(const xai__op_desc *desc)
{
    return desc->groups == 1 ||
           (xai__group_inputs(desc) % XAI__BLOCK == 0 && xai__group_outputs(desc) % XAI__BLOCK == 0);
}

/* Such groups each have input channels of their own: calls the function for every group that a part reaches into, with
 * what lies in it. */
typedef void xai__group_fn(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part,
                           int32_t group);
void xai__each_group(const xai__native_kernel *kernel, const xai__args *args, const xai__part *part,
                     xai__group_fn *function);

/* False if there is a stage that no native kernel has. has_tail: the output is BLOCKED and its last block is not full.
 */
bool xai__epilogue_init(xai__native_epilogue *epilogue, const xai__op_desc *desc, bool has_tail);

/* Sets the grid. cost: vector operations for a pixel of one block. weight_bytes: of a block, 0 if they hardly matter.
 */
void xai__grid_plan(xai__native_kernel *kernel, int64_t cost, size_t weight_bytes);
xai__window xai__window_of(const xai__native_kernel *kernel, const xai__args *args, size_t image);
size_t xai__grid_n_tasks(const xai__native_kernel *kernel, const xai__args *args);
void xai__grid_task(const xai__native_kernel *kernel, const xai__args *args, size_t index, float *scratch);

/* Where the pixels of a run follow each other: in a row, in a column, in the same place of one image after another. */
enum xai__direction { XAI__ACROSS, XAI__DOWN, XAI__THROUGH };

/* The first pixel of a run. */
typedef struct xai__spot {
    size_t image;
    int32_t block, y, x;
    enum xai__direction direction;
} xai__spot;

int64_t xai__step(const xai__view *view, enum xai__direction direction);

/* Sets the run's epilogue and places. */
void xai__run_place(xai__run *run, const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot);

/* The same for rows of one block: `block` leads from each place's row to the next. */
void xai__run_place_rows(xai__run *run, const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot);

/* The same for a run of one block whose output does not lie in blocks, with n_lanes channels, at most
 * XAI__STRIDED_PIXELS pixels and the input set: computes it in scratch memory and copies. */
void xai__run_strided(xai__run *run, const xai__native_kernel *kernel, const xai__args *args, const xai__spot *spot,
                      int n_lanes, float *scratch);

enum { XAI__STRIDED_PIXELS = 16, XAI__STRIDED_TILE = XAI__STRIDED_PIXELS * XAI__BLOCK };

/* Room for the output, every operand and every tap. */
enum { XAI__STRIDED_SCRATCH = XAI__STRIDED_TILE * (2 * XAI__MAX_STAGES + 2) };

/* out[pixel][16], pixels and lanes being this far apart in data; lanes from n_lanes on are zero. */
void xai__gather(float *out, const float *data, int64_t pixel, int64_t lane, size_t n_pixels, int n_lanes);

/* Computes a run by its kernel's method. */
void xai__run_compute(xai__run *run, const xai__native_kernel *kernel);

/* A sweep over a part: cuts it into runs. The first fields are the caller's to set: where the first pixel of the image
 * lies, how far apart its rows and pixels are, what all runs have in common. */
typedef struct xai__sweep {
    const xai__native_kernel *kernel;
    const xai__args *args;
    const float *in;
    int64_t in_row, in_pixel;
    int32_t in_first_row; /* that in points to */
    xai__run run;         /* in_block, in_out, weights of the first block and their strides, n_in, lanes */
} xai__sweep;

void xai__sweep_part(const xai__sweep *sweep, const xai__part *part);

#endif
