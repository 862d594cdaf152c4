/* SPDX-License-Identifier: MIT
 * NumPy files. xai_tensor_load() and xai_tensor_save() are declared in xai/tensor.h. */
#ifndef XAI__IO_NPY_H
#define XAI__IO_NPY_H

#include <xai/tensor.h>

#include "io/file.h"

/* Reads a tensor from a file's bytes; *out is left alone on failure. */
xai_status xai__npy_read(xai_tensor **out, const xai__file *file);

#endif
