/* SPDX-License-Identifier: MIT
 * The openblas backend: convolutions and matrix products by OpenBLAS, plain layout in and out. It proves the vtable,
 * and is there for processors that the native kernels were not tuned for. */
#ifndef XAI__OPENBLAS_OPENBLAS_H
#define XAI__OPENBLAS_OPENBLAS_H

#include "backends/backend.h"

extern const xai__backend xai__backend_openblas;

#endif
