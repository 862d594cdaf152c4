/* SPDX-License-Identifier: MIT
 * The last error of a thread. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"

/* A thread's own, so that no lock is needed and no other thread's call can change what is being read. */
static _Thread_local char message[1024];

/* Names in a message come from files, and its end may be cut: what is kept is one line of UTF-8 all the same. */
static void tidy(void)
{
    unsigned char *bytes = (unsigned char *)message;
    size_t size = strlen(message);

    for (size_t at = 0; at < size;) {
        size_t length = xai__utf8_length(bytes + at, size - at);

        if (length == 0 || bytes[at] < 0x20 || bytes[at] == 0x7f)
            bytes[at] = '?';
        at += length == 0 ? 1 : length;
    }
}

xai_status xai__fail(xai_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    tidy();
    return status;
}

/* No formatting: the C library's printf may itself want memory. */
xai_status xai__fail_memory(void)
{
    static const char text[] = "out of memory";

    memcpy(message, text, sizeof text);
    return XAI_E_NO_MEMORY;
}

xai_status xai__fail_in(xai_status status, const char *prefix)
{
    char joined[sizeof message];

    if (status == XAI_E_NO_MEMORY) /* it is nobody's fault in particular */
        return status;
    if (snprintf(joined, sizeof joined, "%s: %s", prefix, message) > 0)
        memcpy(message, joined, sizeof message);
    tidy();
    return status;
}

void xai__enter(void)
{
    message[0] = '\0';
}

const char *xai_last_error(void)
{
    return message;
}

const char *xai_status_name(xai_status status)
{
    static const char *const good[] = { "XAI_OK", "XAI_PARTIAL", "XAI_FLAT" };
    static const char *const bad[] = {
        "XAI_OK",          "XAI_E_INVALID", "XAI_E_NO_MEMORY",   "XAI_E_IO",        "XAI_E_FORMAT",
        "XAI_E_NOT_FOUND", "XAI_E_SHAPE",   "XAI_E_UNSUPPORTED", "XAI_E_CANCELLED", "XAI_E_BUSY",
        "XAI_E_CALLBACK",  "XAI_E_LIMIT",   "XAI_E_ABI",         "XAI_E_INTERNAL",
    };

    if (status >= 0 && status < (xai_status)(sizeof good / sizeof *good))
        return good[status];
    if (status < 0 && status > -(xai_status)(sizeof bad / sizeof *bad))
        return bad[-status];
    return "unknown status";
}
