/* SPDX-License-Identifier: MIT
 * The chain of backends that a context names. */
#include "backends/registry.h"

#include <string.h>

#include "backends/native/native.h"
#include "backends/openblas/openblas.h"
#include "config.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/text.h"

enum { MAX_LINKS = 8 };

typedef struct chain_link {
    const xai__backend *backend; /* NULL: ref, which takes nothing */
    void *state;
    bool is_open;
} chain_link;

struct xai__chain {
    xai_context *context;
    size_t n_links;
    chain_link links[MAX_LINKS];
};

/* Every name there is. "native-..." is the native backend with a state of our choosing. */
static const struct entry {
    const char *name;
    const xai__backend *backend;
    const char *level;
} entries[] = {
    { "native", &xai__backend_native, NULL },
#ifdef __x86_64__
    { "native-avx512", &xai__backend_native, "avx512" },
    { "native-avx2", &xai__backend_native, "avx2" },
#endif
    { "native-baseline", &xai__backend_native, "baseline" },
    { "ref", NULL, NULL },
#ifdef XAI_HAVE_OPENBLAS
    { "openblas", &xai__backend_openblas, NULL },
#endif
};

const char *xai__backends_name(size_t index)
{
    return index < sizeof entries / sizeof *entries ? entries[index].name : NULL;
}

/* The names separated by commas, one after the other: false behind the last. */
static bool next_name(const char **name, size_t *length, const char **rest)
{
    if (*rest == NULL)
        return false;
    *name = *rest + strspn(*rest, " ");
    *length = strcspn(*name, ",");
    *rest = (*name)[*length] == ',' ? *name + *length + 1 : NULL;
    while (*length > 0 && (*name)[*length - 1] == ' ')
        --*length;
    return true;
}

static const struct entry *find_entry(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (strlen(entries[i].name) == length && memcmp(entries[i].name, name, length) == 0)
            return &entries[i];
    return NULL;
}

/* The message has to fit without a context to allocate from. */
static xai_status fail_unknown(const char *name, size_t length)
{
    char known[256] = "";
    size_t used = 0;

    for (size_t i = 0; xai__backends_name(i) != NULL; i++) {
        size_t size = strlen(xai__backends_name(i));

        if (used + size + 3 > sizeof known)
            break;
        used += (size_t)(stpcpy(stpcpy(known + used, i > 0 ? ", " : ""), xai__backends_name(i)) - (known + used));
    }
    return xai__fail(XAI_E_NOT_FOUND, "there is no backend '%.*s'; there are: %s", (int)(length < 64 ? length : 64),
                     name, known);
}

xai_status xai__backends_check(const char *names)
{
    const char *name;
    size_t length, n = 0;

    while (next_name(&name, &length, &names)) {
        if (find_entry(name, length) == NULL)
            return fail_unknown(name, length);
        if (++n > MAX_LINKS)
            return xai__fail(XAI_E_LIMIT, "the chain of backends has more than %d names", MAX_LINKS);
    }
    return XAI_OK;
}

/* A level that the processor lacks is an error here, not a fallback: whoever names one wants just that. */
static xai_status open_link(chain_link *link, const struct entry *entry, xai_context *context)
{
    link->backend = entry->backend;
    if (entry->backend == NULL)
        return XAI_OK;
    if (entry->level != NULL) {
        link->state = xai__native_level(entry->level, context->cpu_features);
        if (link->state == NULL)
            return xai__fail(XAI_E_UNSUPPORTED, "backend '%s': this processor has no %s", entry->name, entry->level);
        return XAI_OK;
    }
    if (!entry->backend->available(context->cpu_features))
        return xai__fail(XAI_E_UNSUPPORTED, "backend '%s' does not run on this processor", entry->name);
    if (entry->backend->open != NULL) {
        xai_status status = entry->backend->open(&link->state, context);

        link->is_open = status == XAI_OK;
        return status;
    }
    return XAI_OK;
}

xai_status xai__chain_open(xai__chain **out, xai_context *context)
{
    const char *rest = context->backends, *name;
    xai_status status = xai__backends_check(rest);
    xai__chain *chain;
    size_t length;

    *out = NULL;
    if (status < 0)
        return status;
    chain = xai__zalloc_array(context, 1, sizeof *chain);
    if (chain == NULL)
        return XAI_E_NO_MEMORY;
    chain->context = context;
    while (status == XAI_OK && next_name(&name, &length, &rest))
        status = open_link(&chain->links[chain->n_links++], find_entry(name, length), context);
    if (status < 0) {
        xai__chain_close(chain);
        return status;
    }
    *out = chain;
    return XAI_OK;
}

void xai__chain_close(xai__chain *chain)
{
    if (chain == NULL)
        return;
    for (size_t i = 0; i < chain->n_links; i++) {
        chain_link *link = &chain->links[i];

        if (link->is_open && link->backend->close != NULL)
            link->backend->close(link->state);
    }
    xai__free(chain->context, chain);
}

xai_status xai__chain_plan(xai__kernel **out, xai__chain *chain, const xai__op_desc *desc)
{
    *out = NULL;
    for (size_t i = 0; i < chain->n_links; i++) {
        const chain_link *link = &chain->links[i];
        xai_status status = XAI_E_UNSUPPORTED;

        if (link->backend == NULL)
            break; /* the reference takes everything that is left */
        status = link->backend->plan(out, link->state, chain->context, desc);
        if (status != XAI_E_UNSUPPORTED)
            return status;
    }
    return XAI_E_UNSUPPORTED;
}

bool xai__chain_is_exact(const xai__chain *chain)
{
    for (size_t i = 0; i < chain->n_links; i++)
        if (chain->links[i].backend != NULL && chain->links[i].backend != &xai__backend_native)
            return false;
    return true;
}

size_t xai__kernel_n_tasks(const xai__kernel *kernel, const xai__args *args)
{
    return kernel->backend->n_tasks(kernel, args);
}

void xai__kernel_task(const xai__kernel *kernel, const xai__args *args, size_t index, void *task_scratch)
{
    kernel->backend->task(kernel, args, index, task_scratch);
}

void xai__kernel_part(const xai__kernel *kernel, const xai__args *args, const xai__part *part, void *task_scratch)
{
    kernel->backend->part(kernel, args, part, task_scratch);
}

xai__window xai__kernel_needs(const xai__kernel *kernel, xai__window outputs)
{
    return kernel->backend->needs(kernel, outputs);
}

void xai__kernel_free(xai__kernel *kernel, xai_context *context)
{
    if (kernel != NULL)
        kernel->backend->free(kernel, context);
}

bool xai__kernel_reach(xai__window *out, const xai__kernel *kernel, xai__window dirty)
{
    if (kernel->backend->reach == NULL)
        return false;
    *out = kernel->backend->reach(kernel, dirty);
    return true;
}
