/* SPDX-License-Identifier: MIT
 * The stages behind a product, in plain loops over lines of values. */
#ifndef XAI__OPENBLAS_EPILOGUE_H
#define XAI__OPENBLAS_EPILOGUE_H

#include "backends/backend.h"

typedef struct xai__blas_epilogue {
    uint32_t n_stages;
    bool is_gemm;
    xai__stage stages[XAI__MAX_STAGES]; /* their parameters are borrowed, as in the desc */
} xai__blas_epilogue;

/* Neighbours in an output: the row of a channel of a convolution, a row of all columns of a matrix product. */
typedef struct xai__blas_line {
    size_t image;
    int64_t channel, row; /* channel 0 for a matrix product */
    int64_t n;
} xai__blas_line;

/* False if there is a stage that this backend has not. */
bool xai__blas_epilogue_init(xai__blas_epilogue *epilogue, const xai__op_desc *desc);

/* Takes the sums of a line through the stages, in place, with the taps on the way, and writes the result to args->out.
 */
void xai__blas_epilogue_run(const xai__blas_epilogue *epilogue, const xai__args *args, const xai__blas_line *line,
                            float *values);

#endif
