/* SPDX-License-Identifier: MIT
 * Version of the library. */
#include <xai/api.h>

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)

uint32_t xai_version(void)
{
    return XAI_VERSION_MAJOR * 10000 + XAI_VERSION_MINOR * 100 + XAI_VERSION_PATCH;
}

const char *xai_version_string(void)
{
    return VALUE(XAI_VERSION_MAJOR) "." VALUE(XAI_VERSION_MINOR) "." VALUE(XAI_VERSION_PATCH);
}
