/* SPDX-License-Identifier: MIT
 * The context: allocator, log, threads, backends and limits that every other object is made with. */
#ifndef XAI_CONTEXT_H
#define XAI_CONTEXT_H

#include <xai/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Settings shared by many objects. Never changes after it is made, so any number of threads may use it. @since 0.1 */
typedef struct xai_context xai_context;

/**
 * Where memory comes from.
 *
 * Both functions may be called from any thread that uses the context, including the worker threads.
 * @since 0.1
 */
typedef struct xai_allocator {
    /** Return @p size bytes at a multiple of @p alignment (a power of two), or NULL. @p size is never 0. */
    void *(*allocate)(size_t size, size_t alignment, void *user);
    /** Take back what allocate() returned; @p size is what was asked for. @p data is never NULL. */
    void (*release)(void *data, size_t size, void *user);
    /** Handed to both. Must outlive the last object made with the context. */
    void *user;
} xai_allocator;

/** How serious a log message is. @since 0.1 */
enum xai_log_level { XAI_LOG_WARNING = 1, XAI_LOG_INFO = 2, XAI_LOG_DEBUG = 3 };

/**
 * Receive one log message. Without it the library is silent.
 *
 * @param level    One of enum xai_log_level.
 * @param message  One finished line of UTF-8 without a newline; borrowed for the call.
 * @param user     The log_user of the options.
 *
 * Runs on the thread that called the library.
 * @since 0.1
 */
typedef void (*xai_log_fn)(int32_t level, const char *message, void *user);

/** Flags of xai_context_options. @since 0.1 */
enum xai_context_flag {
    XAI_CONTEXT_COPY_WEIGHTS = 1 /**< Read weight files into memory instead of mapping them: a file that another program
                                      cuts short while it is mapped would raise SIGBUS, and what it writes into it may
                                      become a model's weights, which stay in their file as long as the model lives. */
};

/** Options of xai_context_create(). Zero it, set struct_size, set what you need. @since 0.1 */
typedef struct xai_context_options {
    size_t struct_size;             /**< sizeof(xai_context_options). */
    const xai_allocator *allocator; /**< Copied. NULL: the C library's. */
    xai_log_fn log;                 /**< NULL: silent. */
    void *log_user;                 /**< Handed to log. */
    const char *backends; /**< Comma-separated, first choice first; copied. NULL: "native". What none of them does is
                               computed by the built-in reference. "ref" alone: the reference only.
                               xai_context_json() lists all; bits are promised for "native" and "ref". */
    uint64_t max_pixels;  /**< Refuse pictures with more pixels before decoding them. 0: 67108864 (64 Mi). */
    uint32_t n_threads;   /**< Threads that a forward pass uses, the caller's included. 0: one a core. At most 256. */
    uint32_t flags;       /**< Of enum xai_context_flag. */
} xai_context_options;

/**
 * Make a context.
 *
 * @param[out] out  The context, one reference. NULL on failure.
 * @param options   NULL for the defaults.
 * @return 0; XAI_E_INVALID for more than 256 threads or an allocator with a missing function; XAI_E_NOT_FOUND for an
 *         unknown backend; XAI_E_ABI; XAI_E_NO_MEMORY.
 *
 * Starts no thread before the first forward pass. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_context_create(xai_context **out, const xai_context_options *options);

/** Add a reference. @param context  May be NULL. @return @p context. Any thread. @since 0.1 */
XAI_API xai_context *xai_context_ref(xai_context *context);

/** Drop a reference; the last one frees it. @param context  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_context_unref(xai_context *context);

/**
 * Describe library and context as JSON: version, backends, instruction sets, threads, formats, architectures.
 *
 * @param context   The context.
 * @param buffer    Where the NUL-terminated text goes; may be NULL if @p capacity is 0.
 * @param capacity  Size of @p buffer in bytes.
 * @return Length of the whole text without its NUL, as snprintf does; 0 if memory ran out.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API size_t xai_context_json(xai_context *context, char *buffer, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif
