/* SPDX-License-Identifier: MIT
 * What reading and writing files share. */
#ifndef XAI__IO_FILE_NAME_H
#define XAI__IO_FILE_NAME_H

#include <xai/context.h>

/* The path as messages show it: its end if it is very long. NULL if memory ran out. */
char *xai__file_name(xai_context *context, const char *path);

/* The same without memory, in the path itself: a message has room for about a thousand bytes, and its reason comes
 * last. */
const char *xai__file_tail(const char *path);

/* "NAME: cannot VERB: what the system says". */
xai_status xai__file_fail_errno(const char *name, const char *verb, int error);

#endif
