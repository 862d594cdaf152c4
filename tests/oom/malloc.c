/* SPDX-License-Identifier: MIT
 * The C library's allocator with failures on demand. Defined in the program, it serves the shared libraries too.
 * AddressSanitizer puts its own in the C library's place under weak names, which give way to ours in the same manner.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* gcc's AddressSanitizer allocates while it starts, before accesses can be checked. */
#ifdef OOM_SANITIZED
#define BELOW(name) __interceptor_##name
#define UNCHECKED   __attribute__((no_sanitize("address")))
#else
#define BELOW(name) __libc_##name
#define UNCHECKED
#endif

void *BELOW(malloc)(size_t size);
void *BELOW(calloc)(size_t count, size_t size);
void *BELOW(realloc)(void *data, size_t size);
void *BELOW(memalign)(size_t alignment, size_t size);
void BELOW(free)(void *data);

void oom_arm(long n, bool once);
bool oom_struck(void);
long oom_n_blocks(void);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *data, size_t size);
void free(void *data);
int posix_memalign(void **out, size_t alignment, size_t size);

static atomic_long countdown = -1, n_blocks;
static atomic_bool struck, only_once;

void oom_arm(long n, bool once)
{
    countdown = n;
    only_once = once;
    struck = false;
}

bool oom_struck(void)
{
    return struck;
}

long oom_n_blocks(void)
{
    return n_blocks;
}

UNCHECKED static bool fails(void)
{
    if (countdown < 0)
        return false;
    if (countdown > 0) {
        countdown--;
        return false;
    }
    struck = true;
    if (only_once)
        countdown = -1;
    errno = ENOMEM;
    return true;
}

UNCHECKED static void *count(void *data)
{
    n_blocks += data != NULL;
    return data;
}

UNCHECKED void *malloc(size_t size)
{
    return fails() ? NULL : count(BELOW(malloc)(size));
}

UNCHECKED void *calloc(size_t number, size_t size)
{
    return fails() ? NULL : count(BELOW(calloc)(number, size));
}

UNCHECKED void *realloc(void *data, size_t size)
{
    void *grown;

    if (fails())
        return NULL;
    grown = BELOW(realloc)(data, size);
    if (data == NULL)
        count(grown);
    else if (size == 0)
        n_blocks--;
    return grown;
}

UNCHECKED void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : count(BELOW(memalign)(alignment, size));
}

UNCHECKED void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

UNCHECKED int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *data = memalign(alignment, size);

    if (data == NULL)
        return ENOMEM;
    *out = data;
    return 0;
}

UNCHECKED void free(void *data)
{
    n_blocks -= data != NULL;
    BELOW(free)(data);
}

#ifdef OOM_SANITIZED
char *strdup(const char *text);
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/* The C library's own calls malloc, the sanitizer's does not. */
UNCHECKED char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

/* What image.c knows it to lose when memory runs out; oom_run() counts those blocks. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libturbojpeg.so";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif
