/* SPDX-License-Identifier: MIT
 * Opens bytes as weights and uses everything that was found in them. */
#ifndef XAI_FUZZ_WEIGHTS_H
#define XAI_FUZZ_WEIGHTS_H

#include "core/hash.h"
#include "fuzz.h"
#include "io/dtype.h"
#include "io/weights.h"

static inline void fuzz_weight(const xai__weights *weights, const xai__weight *weight)
{
    const float *borrowed = xai__weight_borrow_f32(weight);
    size_t count = xai__weight_size(weight), product = 1;
    float *wide;

    for (size_t i = 0; i < weight->rank; i++)
        product *= (size_t)weight->shape[i];
    if (product != count || xai__weights_find(weights, weight->name) != weight)
        abort();
    /* Reads every byte, so that one outside the file is seen. */
    if (xai__hash(0, weight->data, weight->bytes) == 0 && borrowed != NULL && weight->dtype != XAI__DTYPE_F32)
        abort();
    if (count > 1 << 20)
        return;
    wide = malloc(count * sizeof *wide + 1);
    if (wide == NULL)
        abort();
    xai__weight_to_f32(wide, weight);
    free(wide);
}

static inline void fuzz_weights(const uint8_t *data, size_t size)
{
    xai_context *context = fuzz_context();
    xai__weights *weights;
    xai_status status = xai__weights_open_memory(&weights, context, data, size);
    size_t n_bytes = 0;

    fuzz_check(status, weights);
    for (size_t i = 0; status == XAI_OK && i < xai__weights_count(weights) && n_bytes < 1 << 26; i++) {
        fuzz_weight(weights, xai__weights_at(weights, i));
        n_bytes += xai__weights_at(weights, i)->bytes;
    }
    for (size_t i = 0; status == XAI_OK && i < xai__weights_n_ignored(weights); i++)
        if (xai__weights_ignored(weights, i) == NULL)
            abort();
    xai__weights_close(weights);
    xai_context_unref(context);
}

#endif
