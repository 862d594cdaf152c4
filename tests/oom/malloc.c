/* SPDX-License-Identifier: MIT
 * The C library's allocator with failures on demand. Defined in the program, it serves the shared libraries too. */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *data, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *data);

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

static bool fails(void)
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

static void *count(void *data)
{
    n_blocks += data != NULL;
    return data;
}

void *malloc(size_t size)
{
    return fails() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
    return fails() ? NULL : count(__libc_calloc(number, size));
}

void *realloc(void *data, size_t size)
{
    void *grown;

    if (fails())
        return NULL;
    grown = __libc_realloc(data, size);
    if (data == NULL)
        count(grown);
    else if (size == 0)
        n_blocks--;
    return grown;
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : count(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *data = memalign(alignment, size);

    if (data == NULL)
        return ENOMEM;
    *out = data;
    return 0;
}

void free(void *data)
{
    n_blocks -= data != NULL;
    __libc_free(data);
}
