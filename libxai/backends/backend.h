/* SPDX-License-Identifier: MIT
 * The backend vtable: how a chain of one operator and its epilogue is computed. See docs/design.md, "Backends". */
#ifndef XAI__BACKENDS_BACKEND_H
#define XAI__BACKENDS_BACKEND_H

#include <stdbool.h>

#include <xai/context.h>

/* Channels in a block of the BLOCKED layout, on every instruction set. */
enum { XAI__BLOCK = 16 };

/* Stages that an epilogue may have. */
enum { XAI__MAX_STAGES = 6 };

/* PLAIN is row-major; BLOCKED is [image][C/16][H][W][16], with lanes beyond C zero. */
enum xai__layout { XAI__PLAIN, XAI__BLOCKED };

enum xai__op {
    XAI__CONV,
    XAI__CONV_DATA,
    XAI__CONV_WEIGHTS,
    XAI__GEMM,
    XAI__POOL,
    XAI__POOL_DATA,
    XAI__MAP,
    XAI__PAD_CHANNELS
};

enum xai__purpose { XAI__LATENCY, XAI__THROUGHPUT, XAI__WINDOWED };

enum xai__pool_kind { XAI__POOL_MAX, XAI__POOL_AVERAGE };

enum xai__stage_kind { XAI__AFFINE, XAI__ADD, XAI__MUL, XAI__ACT, XAI__MASK };

/* ACT functions. RELU: v < 0 ? 0 : v, so NaN and -0 pass. CLIP: v < low ? low : v > high ? high : v, so NaN passes.
 * HARD_SIGMOID: CLIP(fma(v, low, high)) to 0 and 1, so low is the slope and high the offset. HARD_SWISH: v times
 * HARD_SIGMOID(v) with slope 1/6 and offset 1/2, two rounded operations. */
enum xai__act { XAI__RELU, XAI__CLIP, XAI__SIGMOID, XAI__SILU, XAI__HARD_SIGMOID, XAI__HARD_SWISH };

/* MASK functions: v where the condition holds for the operand y (a saved output), else 0. POSITIVE: y > 0. SEED: v > 0.
 * BOTH: y > 0 and v > 0. INSIDE: low < y < high. */
enum xai__mask { XAI__MASK_POSITIVE, XAI__MASK_SEED, XAI__MASK_BOTH, XAI__MASK_INSIDE };

typedef struct xai__backend xai__backend;

/* Where a value lies; strides in floats. BLOCKED: block is the stride of 16 channels and pixel is 16. PLAIN: block is
 * the stride of one channel and pixel is 1. GEMM: rows lie `row` apart and columns are contiguous. Image stride 0
 * broadcasts one image over the batch; an operand of a stage may also have row and pixel 0, which broadcasts one pixel
 * ([C,1,1]). Rows need not be dense. 4-byte alignment is enough; BLOCKED data is fastest at a multiple of 64 bytes. out
 * may be the very view of an operand (adding in place), or of in for MAP with one layout; otherwise nothing that is
 * written overlaps what is read. A BLOCKED map of one pixel, blocks dense, is also the PLAIN row of its channels. */
typedef struct xai__view {
    float *data;
    int64_t image, block, row, pixel;
} xai__view;

/* Half open, absolute output pixels, all channels. */
typedef struct xai__window {
    int32_t y0, y1, x0, x1;
} xai__window;

/* Output channels and pixels of one image, or of several that follow each other. */
typedef struct xai__part {
    size_t image, n_images;
    xai__window window;
    int32_t first_block, end_block; /* of 16 channels */
} xai__part;

/* One rounded operation of an epilogue, in this order, never contracted with the next: fused or alone it gives the same
 * bits. */
typedef struct xai__stage {
    uint32_t kind, function;
    float low, high;
    const float *scale, *shift; /* AFFINE, a value a channel, padded with zeros to whole blocks of 16: fma(v, scale,
                                   shift), or v + shift if scale is NULL, or v * scale if shift is NULL */
    int32_t operand;            /* index into args.operands (ADD, MUL, MASK), -1: none */
    bool keeps_zero; /* f(0) == 0: where it is false, lanes beyond C are zeroed again before storing BLOCKED */
} xai__stage;

/* A chain for one image: no batch, no thread count, no window, no taps. */
typedef struct xai__op_desc {
    uint32_t op, purpose, n_stages, groups;
    int32_t in_c, in_h, in_w, out_c, out_h, out_w; /* GEMM: in_c is K, out_c is N, out_h the rows a image */
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    uint32_t pool, count_pad; /* average over all taps of the window, else over those inside the map */
    int32_t first_channel;    /* PAD_CHANNELS: of the output, that the input's first becomes; the others are zero */
    uint32_t in_layout, out_layout; /* what the caller would like; the kernel states its own */
    const xai__stage *stages;       /* borrowed for plan() and for as long as the kernel lives */
} xai__op_desc;

/* How weights, CONV [out_c][in_c/groups][kh][kw] or GEMM [N][K], are rewritten for a kernel. The model's cache owns the
 * bytes, under (constant, format), so equal formats must mean equal bytes. */
typedef struct xai__packing {
    uint64_t format; /* 0: the raw weights as they are, and packed is the raw pointer */
    size_t bytes, n_parts;
    size_t part_size; /* raw weights that a part reads, the last perhaps fewer: part i from i * part_size on; 0: any */

    /* raw: the part's first weight. Parts may run in parallel. Of the desc only shapes are read. NULL where there are
     * no weights. */
    void (*pack)(void *out, const float *raw, const xai__op_desc *desc, size_t part);
} xai__packing;

/* Immutable after plan(); a backend embeds it as its first member. */
typedef struct xai__kernel {
    const xai__backend *backend;
    const char *name; /* "native/avx512/conv-direct", shown by `xai layers` */
    uint32_t in_layout, out_layout;
    size_t task_scratch, shared_scratch_per_image; /* bytes */
    bool takes_parts;                              /* part() and needs() may be called */
    bool keeps_blocks; /* a block of the output depends on the same block of the input alone */
    xai__packing packing;
} xai__kernel;

/* How a gradient goes back. CONV_DATA: in is dy, out is dx; kernel, stride, dilation, pads and weights are those of the
 * convolution, whose output dy is: weights are [in_c][out_c/groups][kh][kw]. POOL_DATA, of a maximum: in is dy, out is
 * dx, args.operands[0] is the pool's input x, in the shape and layout of out, and out is not its view; dy goes to the
 * first maximum of its window, row by row, or to its last NaN; what meets in a pixel is added in the order of the
 * windows. POOL_DATA, of an average: the window is the whole of dx, and each pixel has dy by the number of pixels. */

/* CONV_WEIGHTS: in is dy, args.operands[0] is the convolution's input x, PLAIN and dense, and the desc's out_c, out_h
 * and out_w are x's, as for CONV_DATA; kernel, stride, dilation, pads and groups are those of the convolution. out is
 * an image's own gradient of the weights, dense and in their order: [in_c][out_c/groups][kh][kw]. It has no stages and
 * no windows; zeros beside the maps are multiplied, too, so that what is not finite may make NaN of sums that reach
 * them. */

/* A run. Operands of same shape lie in the kernel's out_layout. */
typedef struct xai__args {
    size_t n_images;
    xai__view in, out;         /* out may be a slice of a concatenation */
    const xai__view *operands; /* as the stages index them */
    const xai__view *stores;   /* NULL, or n_stages + 1 taps in out_layout: the accumulator itself, then the value after
                                  each   stage; data NULL: none. The last stage's tap is never set, it is out. */
    const xai__window *windows; /* one an image, inside the map, maybe empty; NULL: everything. GEMM: y counts rows,
                                   columns are always done whole */
    const void *packed;         /* the packed weights; the plan holds the reference */
    void *shared_scratch;       /* from the session's arena, shared_scratch_per_image * n_images */
} xai__args;

struct xai__backend {
    const char *name;
    bool (*available)(uint64_t cpu_features);
    xai_status (*open)(void **state, xai_context *context); /* may be NULL, as may close */
    void (*close)(void *state);

    /* Or XAI_E_UNSUPPORTED (without a message): the next backend is asked. */
    xai_status (*plan)(xai__kernel **out, void *state, xai_context *context, const xai__op_desc *desc);

    /* Outputs whose bits may change when the dirty window of the input does, clipped to the output; NULL: no windows.
     */
    xai__window (*reach)(const xai__kernel *kernel, xai__window dirty);

    size_t (*n_tasks)(const xai__kernel *kernel, const xai__args *args); /* from shapes and windows only */

    /* Any order, any thread, cannot fail. A task may span images, but an image's bits are those it has alone. Outputs
     * may share sums where reach() says so; an input that is not finite may then make NaN of all that it reaches. */
    void (*task)(const xai__kernel *kernel, const xai__args *args, size_t index, void *task_scratch);

    /* Of kernels that take parts: one part of one image, with the bits that tasks give it. args.windows is not read. */
    void (*part)(const xai__kernel *kernel, const xai__args *args, const xai__part *part, void *task_scratch);

    /* Of kernels that take parts: the inputs that these outputs read, inside the map. */
    xai__window (*needs)(const xai__kernel *kernel, xai__window outputs);

    void (*free)(xai__kernel *kernel, xai_context *context);
};

#endif
