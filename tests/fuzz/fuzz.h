/* SPDX-License-Identifier: MIT
 * What fuzz targets share: the context, and what a failed call owes. */
#ifndef XAI_FUZZ_H
#define XAI_FUZZ_H

#include <stdint.h>
#include <stdlib.h>

#include <xai/xai.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline xai_context *fuzz_context(void)
{
    xai_context_options options = { .struct_size = sizeof options, .n_threads = 1 };
    xai_context *context;

    if (xai_context_create(&context, &options) < 0)
        abort();
    return context;
}

/* Success and an object, or an error, no object and a sentence. */
static inline void fuzz_check(xai_status status, const void *object)
{
    if ((status == XAI_OK) != (object != NULL) || (status < 0 && xai_last_error()[0] == '\0'))
        abort();
}

#endif
