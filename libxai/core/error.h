/* SPDX-License-Identifier: MIT
 * The last error of a thread: set where a failure is detected, passed on untouched. */
#ifndef XAI__CORE_ERROR_H
#define XAI__CORE_ERROR_H

#include <xai/api.h>

/* Sets the message of this thread and returns status, so that `return xai__fail(...)` is the one place for a
 * breakpoint. */
xai_status xai__fail(xai_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Out of memory: formats nothing, so it cannot fail itself. */
xai_status xai__fail_memory(void);

/* Puts "prefix: " in front of the present message; for callers that know the file or layer which the detector did not.
 */
xai_status xai__fail_in(xai_status status, const char *prefix);

/* Every fallible public function starts with one of these: it empties the message and clears the result. */
void xai__enter(void);
#define XAI__ENTER(out)                                                                                                \
    do {                                                                                                               \
        xai__enter();                                                                                                  \
        if ((out) != NULL)                                                                                             \
            *(out) = NULL;                                                                                             \
    } while (0)

#endif
