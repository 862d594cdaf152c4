/* SPDX-License-Identifier: MIT
 * State dicts: named tensors out of safetensors, torch's zip files and torch's older files alike. */
#ifndef XAI__IO_WEIGHTS_H
#define XAI__IO_WEIGHTS_H

#include <stdbool.h>

#include <xai/context.h>

enum { XAI__WEIGHT_MAX_RANK = 8 };

typedef struct xai__weights xai__weights;

typedef struct xai__weight {
    const xai__weights *set; /* NULL: it was put together elsewhere */
    const char *name;
    uint32_t dtype; /* enum xai__dtype */
    size_t rank;
    int64_t shape[XAI__WEIGHT_MAX_RANK];
    const void *data; /* row-major little-endian elements at any address, in the file or in memory of the set */
    size_t bytes;
} xai__weight;

/* Reads a file; its bytes say which format it has. Nested dicts are joined by dots, one that wraps all the rest under
 * "state_dict", "net" or "model" is opened, and "module." is dropped where every name starts with it.
 * The context is borrowed. */
xai_status xai__weights_open(xai__weights **out, xai_context *context, const char *path);

/* The same over a copy of a file's bytes. */
xai_status xai__weights_open_memory(xai__weights **out, xai_context *context, const void *bytes, size_t size);

/* Takes NULL and half-made sets. */
void xai__weights_close(xai__weights *weights);

size_t xai__weights_count(const xai__weights *weights);

/* In the order of the file. */
const xai__weight *xai__weights_at(const xai__weights *weights, size_t index);

/* In logarithmic time; NULL if there is none. */
const xai__weight *xai__weights_find(const xai__weights *weights, const char *name);

/* What a state dict held beside tensors: epochs, accuracies, switches. */
size_t xai__weights_n_ignored(const xai__weights *weights);
const char *xai__weights_ignored(const xai__weights *weights, size_t index);

/* For messages: the path, or "buffer". */
const char *xai__weights_name(const xai__weights *weights);

/* The whole file as it was opened, for digests. */
const void *xai__weights_bytes(const xai__weights *weights, size_t *size);

/* Bytes of the file that are not needed for now need not stay in memory; they are as they were when next read. Other
 * memory is left alone. Any thread. */
void xai__weights_forget(const xai__weights *weights, const void *data, size_t size);

/* Elements of a tensor, and bytes of one where its type has whole bytes. */
size_t xai__weight_size(const xai__weight *weight);
size_t xai__weight_element(const xai__weight *weight);

/* XAI_E_UNSUPPORTED names the tensor if its elements cannot become float32: f16, bf16, integers and bool are widened,
 * f64 is narrowed, float32 may lie at any address. */
xai_status xai__weight_check(const xai__weight *weight);

/* Writes n elements from first on as float32, of a tensor that was checked. Any thread. */
void xai__weight_read(float *out, const xai__weight *weight, size_t first, size_t n);

/* Checks and reads all; out has room for xai__weight_size() elements. */
xai_status xai__weight_to_f32(float *out, const xai__weight *weight);

/* The elements where they lie, if they can be used in place as float32; NULL otherwise. */
const float *xai__weight_borrow_f32(const xai__weight *weight);

#endif
