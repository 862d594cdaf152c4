/* SPDX-License-Identifier: MIT
 * Any bytes as weights, begun by whatever the corpus holds: safetensors files. */
#include "fuzz_weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_weights(data, size);
    return 0;
}
