/* SPDX-License-Identifier: MIT
 * Writing safetensors files; reading is one of the formats of io/weights.h. */
#ifndef XAI__IO_SAFETENSORS_H
#define XAI__IO_SAFETENSORS_H

#include "io/weights.h"

/* Writes the file that the reference writes for the same tensors: widest types first, then by name, data at a multiple
 * of 8. No two names may be equal. */
xai_status xai__safetensors_write(xai_context *context, const char *path, const xai__weight *weights, size_t count);

#endif
