/* SPDX-License-Identifier: MIT
 * The header of a NumPy file: a Python dict literal, read strictly and never evaluated. */
#ifndef XAI__IO_NPY_HEADER_H
#define XAI__IO_NPY_HEADER_H

#include "io/file.h"

typedef struct xai__npy_header {
    uint32_t dtype;
    bool big_endian, fortran;
    size_t rank;
    int64_t shape[8];
    size_t data; /* offset of the elements in the file */
} xai__npy_header;

xai_status xai__npy_header_read(xai__npy_header *header, const xai__file *file);

#endif
