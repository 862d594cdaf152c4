/* SPDX-License-Identifier: MIT
 * The one reader of options structs. */
#include "core/options.h"

#include <string.h>

#include "core/error.h"

/* No struct of ours will ever be this large: a bigger number is memory that was not zeroed. */
enum { LARGEST_STRUCT = 4096 };

/* The first field of every options struct; copied, since the caller's memory may be of any type. */
static size_t stated_size(const void *options)
{
    size_t size;

    memcpy(&size, options, sizeof size);
    return size;
}

static xai_status check_size(size_t stated, const char *name)
{
    if (stated < sizeof(size_t) || stated > LARGEST_STRUCT)
        return xai__fail(XAI_E_ABI, "%s: struct_size is %zu; set it to sizeof the struct", name, stated);
    return XAI_OK;
}

xai_status xai__options_read(void *out, size_t size, const void *in, const char *name)
{
    const unsigned char *bytes = in;
    size_t stated;
    xai_status status;

    /* Zero is every field's default, also of fields that the caller's older header does not have. */
    memset(out, 0, size);
    if (in == NULL)
        return XAI_OK;
    stated = stated_size(in);
    status = check_size(stated, name);
    if (status < 0)
        return status;
    /* A newer caller is fine as long as it asks for nothing that came later. */
    for (size_t i = size; i < stated; i++)
        if (bytes[i] != 0)
            return xai__fail(XAI_E_ABI, "%s: byte %zu is set, but this libxai (%s) knows only %zu bytes of the struct",
                             name, i, xai_version_string(), size);
    memcpy(out, in, stated < size ? stated : size);
    return XAI_OK;
}

xai_status xai__options_room(size_t *room, size_t size, const void *out, const char *name)
{
    size_t stated = stated_size(out);

    *room = stated < size ? stated : size;
    return check_size(stated, name);
}
