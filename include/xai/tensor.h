/* SPDX-License-Identifier: MIT
 * Tensors: compact row-major float32 arrays. */
#ifndef XAI_TENSOR_H
#define XAI_TENSOR_H

#include <xai/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Largest number of dimensions. @since 0.1 */
#define XAI_TENSOR_MAX_RANK 8

/**
 * A float32 array of up to eight dimensions, the last one fastest, without gaps.
 *
 * Pictures and activations are N x C x H x W. Only the data may change; reading from several threads is fine while
 * nobody writes.
 * @since 0.1
 */
typedef struct xai_tensor xai_tensor;

/**
 * Make a tensor of zeros.
 *
 * @param[out] out  The tensor, one reference. NULL on failure.
 * @param context   Context whose allocator is used; kept alive.
 * @param shape     @p rank extents, each >= 0. May be NULL if @p rank is 0 (one number).
 * @param rank      0 to XAI_TENSOR_MAX_RANK.
 * @return 0; XAI_E_INVALID for a bad rank or extent; XAI_E_NO_MEMORY, also where the size overflows.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tensor_create(xai_tensor **out, xai_context *context, const int64_t *shape, size_t rank);

/**
 * Make a tensor over memory of the caller.
 *
 * @param[out] out  The tensor, one reference. NULL on failure; then @p destroy is not called.
 * @param context   Context; kept alive.
 * @param data      The elements, compact and row-major, aligned to 4 bytes. Must stay valid until @p destroy is called.
 * @param shape     @p rank extents, each >= 0.
 * @param rank      0 to XAI_TENSOR_MAX_RANK.
 * @param destroy   Called with @p user when the last reference is gone. May be NULL.
 * @param user      For @p destroy.
 * @return 0; XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tensor_wrap(xai_tensor **out, xai_context *context, float *data, const int64_t *shape,
                                   size_t rank, xai_destroy_fn destroy, void *user);

/** Add a reference. @param tensor  May be NULL. @return @p tensor. Any thread. @since 0.1 */
XAI_API xai_tensor *xai_tensor_ref(xai_tensor *tensor);

/** Drop a reference; the last one frees it. @param tensor  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_tensor_unref(xai_tensor *tensor);

/**
 * Read the shape.
 *
 * @param tensor    The tensor.
 * @param shape     Receives the first @p capacity extents; may be NULL if @p capacity is 0.
 * @param capacity  Room in @p shape.
 * @return The rank, however small @p capacity is.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_tensor_shape(const xai_tensor *tensor, int64_t *shape, size_t capacity);

/** Count the elements. @param tensor  The tensor. @return Product of the extents; 1 for rank 0. Any thread. @since 0.1
 */
XAI_API size_t xai_tensor_size(const xai_tensor *tensor);

/**
 * Reach the elements.
 *
 * @param tensor  The tensor.
 * @return The first element, borrowed: valid while the tensor lives. NULL only if it has no elements.
 *
 * Writing is the caller's affair: not while another thread reads.
 * @since 0.1
 */
XAI_API float *xai_tensor_data(xai_tensor *tensor);

/**
 * Look for NaN and infinity.
 *
 * @param tensor  The tensor.
 * @return 0 if every element is finite; XAI_E_FORMAT otherwise, and xai_last_error() says how many are not and where
 * the first one is.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tensor_check(const xai_tensor *tensor);

/**
 * Read a NumPy file (.npy, versions 1 to 3; float32, float64, float16, integers and bool become float32).
 *
 * @param[out] out  The tensor, one reference. NULL on failure.
 * @param context   Context.
 * @param path      File to read. Fortran order is transposed.
 * @return 0; XAI_E_IO; XAI_E_FORMAT; XAI_E_UNSUPPORTED for other types; XAI_E_NO_MEMORY.
 *
 * Nothing in the file is executed: object arrays are refused. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tensor_load(xai_tensor **out, xai_context *context, const char *path);

/**
 * Write a NumPy file (.npy version 1, float32, C order).
 *
 * @param tensor  The tensor.
 * @param path    File to write. It appears whole or not at all: written beside it first, then renamed.
 * @return 0; XAI_E_IO; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_tensor_save(const xai_tensor *tensor, const char *path);

#ifdef __cplusplus
}
#endif
#endif
