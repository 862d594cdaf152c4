/* SPDX-License-Identifier: MIT
 * Any bytes as a NumPy file. */
#include "fuzz.h"
#include "io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xai_context *context = fuzz_context();
    xai_tensor *tensor = NULL;
    xai__file file;
    xai_status status;

    if (xai__file_wrap(&file, context, data, size) < 0)
        abort();
    status = xai__npy_read(&tensor, &file);
    fuzz_check(status, tensor);
    if (status == XAI_OK)
        xai_tensor_check(tensor); /* reads every element */
    xai_tensor_unref(tensor);
    xai__file_close(&file);
    xai_context_unref(context);
    return 0;
}
