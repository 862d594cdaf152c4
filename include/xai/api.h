/* SPDX-License-Identifier: MIT
 * What every other public header needs: linkage, status codes, the last error, the version. */
#ifndef XAI_API_H
#define XAI_API_H

#include <stddef.h>
#include <stdint.h>

/**
 * Marks a function that libxai exports.
 * Define XAI_STATIC before including when linking the static archive on Windows.
 */
#ifndef XAI_API
#if defined(_WIN32) && defined(XAI_BUILDING)
#define XAI_API __declspec(dllexport)
#elif defined(_WIN32) && !defined(XAI_STATIC)
#define XAI_API __declspec(dllimport)
#elif defined(__GNUC__)
#define XAI_API __attribute__((visibility("default")))
#else
#define XAI_API
#endif
#endif

/** Version of these headers; xai_version() gives the version of the library that was loaded. @since 0.1 */
#define XAI_VERSION_MAJOR 0
#define XAI_VERSION_MINOR 1
#define XAI_VERSION_PATCH 0

/** Number in the library's soname; it moves with every incompatible change. @since 0.1 */
#define XAI_ABI_VERSION 0

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What every fallible function returns: one of enum xai_status_code.
 *
 * Zero: all is well. Positive: the result is complete and there is a remark about it. Negative: the call failed, its
 * out parameter is NULL and xai_last_error() says what went wrong.
 * @since 0.1
 */
typedef int32_t xai_status;

/** Values of xai_status. Codes may be added; treat an unknown negative code as a failure. @since 0.1 */
enum xai_status_code {
    XAI_OK = 0,
    XAI_PARTIAL = 1, /**< Stopped on request; the result is that of the part which was done. */
    XAI_FLAT = 2,    /**< A map had the same value everywhere: nothing to normalise, it is all zeros. */

    XAI_E_INVALID = -1,     /**< An argument makes no sense: NULL, out of range, contradictory. */
    XAI_E_NO_MEMORY = -2,   /**< The allocator returned NULL. */
    XAI_E_IO = -3,          /**< A file could not be opened, read or written. */
    XAI_E_FORMAT = -4,      /**< The bytes are not what they should be: damaged, truncated, another format. */
    XAI_E_NOT_FOUND = -5,   /**< No such layer, class, tensor, architecture, profile. */
    XAI_E_SHAPE = -6,       /**< Shapes do not fit together. */
    XAI_E_UNSUPPORTED = -7, /**< Well-formed, but beyond what this version does. */
    XAI_E_CANCELLED = -8,   /**< xai_session_cancel() was called. */
    XAI_E_BUSY = -9,        /**< A session or state that is in use already, as from inside a callback. */
    XAI_E_CALLBACK = -10,   /**< A callback of the caller returned non-zero. */
    XAI_E_LIMIT = -11,      /**< Larger than a limit set in xai_context_options. */
    XAI_E_ABI = -12,        /**< An options struct uses fields that this library does not know. */
    XAI_E_INTERNAL = -13    /**< A defect of libxai. Please report it. */
};

/**
 * Called when a wrapped buffer or a callback is no longer needed.
 *
 * @param user  The pointer that was handed over with it.
 *
 * Runs once, on the thread that drops the last reference.
 * @since 0.1
 */
typedef void (*xai_destroy_fn)(void *user);

/**
 * Be told how far a long computation is, and stop it.
 *
 * @param done   Units of work done so far.
 * @param total  Units of work in all.
 * @param user   The pointer given beside the callback.
 * @return 0 to go on; anything else to stop and keep the result so far (XAI_PARTIAL).
 *
 * Runs on the thread that called the library.
 * @since 0.1
 */
typedef int32_t (*xai_progress_fn)(uint64_t done, uint64_t total, void *user);

/**
 * Say what went wrong in the last failed call on this thread.
 *
 * @return One line of UTF-8 that names the file, layer or value; empty if nothing failed. Never NULL. Valid until the
 *         next call into libxai on this thread.
 *
 * The text belongs to the calling thread. Fallible functions empty it when they start; xai_*_unref() leaves it alone.
 * @since 0.1
 */
XAI_API const char *xai_last_error(void);

/**
 * Name a status code, for logs.
 *
 * @param status  Any value.
 * @return A static string such as "XAI_E_SHAPE"; "unknown status" for a code that this version does not have.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_status_name(xai_status status);

/**
 * Version of the library in use.
 *
 * @return major * 10000 + minor * 100 + patch, so 100 for 0.1.0.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API uint32_t xai_version(void);

/**
 * Version of the library in use, as text.
 *
 * @return A static string such as "0.1.0".
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_version_string(void);

#ifdef __cplusplus
}
#endif
#endif
