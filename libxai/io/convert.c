/* SPDX-License-Identifier: MIT
 * Rewriting weight files as safetensors. */
#include <xai/model.h>

#include "core/error.h"
#include "io/safetensors.h"
#include "io/weights.h"

/* Tensors that share a storage are written one by one, so a small file could ask for a huge one. What honest files
 * share is a layer or two; SPARE lets small ones share as they like. */
enum { MOST_GROWTH = 16, SPARE = 64 << 20 };

static xai_status check_growth(const xai__weights *weights)
{
    size_t left, size;

    /* What may still be written is counted down rather than a sum up, which could overflow. */
    xai__weights_bytes(weights, &size);
    left = size < (PTRDIFF_MAX - SPARE) / MOST_GROWTH ? size * MOST_GROWTH + SPARE : PTRDIFF_MAX;
    for (size_t i = 0; i < xai__weights_count(weights); i++) {
        const xai__weight *weight = xai__weights_at(weights, i);

        if (weight->bytes > left)
            return xai__fail(
                XAI_E_LIMIT,
                "%s: its tensors share their elements; written one by one they take more than %d times its size",
                xai__weights_name(weights), MOST_GROWTH);
        left -= weight->bytes;
    }
    return XAI_OK;
}

xai_status xai_weights_convert(xai_context *context, const char *in, const char *out)
{
    xai__weights *weights = NULL;
    xai_status status;

    xai__enter();
    if (context == NULL || in == NULL || out == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", context == NULL ? "context" : in == NULL ? "in" : "out");
    status = xai__weights_open(&weights, context, in);
    if (status == XAI_OK)
        status = check_growth(weights);
    if (status == XAI_OK && xai__weights_count(weights) == 0)
        status = xai__fail(XAI_E_FORMAT, "%s: holds no tensor", xai__weights_name(weights));
    if (status == XAI_OK)
        status = xai__safetensors_write(context, out, xai__weights_at(weights, 0), xai__weights_count(weights));
    xai__weights_close(weights);
    return status;
}
