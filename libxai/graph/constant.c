/* SPDX-License-Identifier: MIT
 * Elements of constants. */
#include "graph/constant.h"

#include <string.h>

#include "core/memory.h"

bool xai__constant_exists(const xai__constant *constant)
{
    return constant->data != NULL || constant->weight != NULL;
}

const void *xai__constant_id(const xai__constant *constant)
{
    return constant->data != NULL ? (const void *)constant->data : (const void *)constant->weight;
}

void xai__constant_read(float *out, const xai__constant *constant, size_t first, size_t n)
{
    if (constant->data != NULL)
        memcpy(out, constant->data + first, n * sizeof *out);
    else
        xai__weight_read(out, constant->weight, first, n);
}

const float *xai__constant_borrow(float **copy, xai_context *context, const xai__constant *constant, size_t n)
{
    *copy = NULL;
    if (constant->data != NULL)
        return constant->data;
    *copy = xai__alloc_array(context, n, sizeof **copy);
    if (*copy != NULL)
        xai__constant_read(*copy, constant, 0, n);
    return *copy;
}

void xai__constant_forget(const xai__constant *constant, size_t first, size_t n, const xai__weights *weights)
{
    const size_t size = constant->data != NULL ? sizeof *constant->data : xai__weight_element(constant->weight);
    const void *bytes = constant->data != NULL ? constant->data : constant->weight->data;

    if (weights != NULL)
        xai__weights_forget(weights, (const unsigned char *)bytes + first * size, n * size);
}
