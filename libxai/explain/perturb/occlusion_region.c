/* SPDX-License-Identifier: MIT
 * Occlusion that computes only what each window reaches, with the bits of whole pictures in the same plan. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/perturb/occlusion.h"
#include "runtime/region.h"

/* Windows at a time: each thread should have a few dozen, and a watcher wants to know how far it is. */
enum { WINDOWS_AT_ONCE = 64 };

/* Bookkeeping eats up a saving that is smaller. */
static const double WORTHWHILE_SHARE = 0.85;

/* The windows in progress. */
typedef struct regions {
    xai__occlusion *o;
    xai__region *region;
    xai__patch *patches; /* WINDOWS_AT_ONCE */
    float **values;      /* a value of the scorer each, WINDOWS_AT_ONCE x its size */
} regions;

static const xai__value *value_of(const regions *r, size_t index)
{
    const xai__scorer *s = &r->o->scorer;

    return &s->session->model->graph.values[s->values[index]];
}

static xai_status allocate(regions *r)
{
    const xai__scorer *s = &r->o->scorer;

    r->patches = xai__alloc_array(s->context, WINDOWS_AT_ONCE, sizeof *r->patches);
    r->values = xai__zalloc_array(s->context, s->n_values, sizeof *r->values);
    if (r->patches == NULL || r->values == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < s->n_values; i++) {
        r->values[i] = xai__alloc_array(s->context, value_of(r, i)->size, WINDOWS_AT_ONCE * sizeof(float));
        if (r->values[i] == NULL)
            return XAI_E_NO_MEMORY;
    }
    return XAI_OK;
}

static void release(regions *r)
{
    const xai__scorer *s = &r->o->scorer;

    for (size_t i = 0; r->values != NULL && i < s->n_values; i++)
        xai__free(s->context, r->values[i]);
    xai__free(s->context, r->values);
    xai__free(s->context, r->patches);
    xai__region_destroy(r->region);
}

static size_t place_patches(regions *r, uint64_t first)
{
    const xai__occlusion *o = r->o;
    size_t n = 0;

    for (; n < WINDOWS_AT_ONCE && first + n < o->n_windows; n++) {
        xai__window w = xai__window_at(&o->grid, first + n);

        r->patches[n] = (xai__patch){ .y0 = (int32_t)w.top,
                                      .y1 = (int32_t)w.bottom,
                                      .x0 = (int32_t)w.left,
                                      .x1 = (int32_t)w.right,
                                      .c1 = (int32_t)o->image->shape[1],
                                      .picture = o->baseline->data };
    }
    return n;
}

/* The mean over all windows, which are looked at in the same portions as they are run. */
static double share_of_all(regions *r)
{
    double sum = 0;

    for (uint64_t first = 0; first < r->o->n_windows; first += WINDOWS_AT_ONCE) {
        size_t n = place_patches(r, first);

        sum += (double)n * xai__region_share(r->region, r->patches, n);
    }
    return sum / (double)r->o->n_windows;
}

static xai_status run(regions *r)
{
    xai__occlusion *o = r->o;

    while (o->n_done < o->n_windows) {
        size_t n = place_patches(r, o->n_done);
        xai_status status = xai__region_run(r->region, r->patches, n, r->values);

        if (status == XAI_OK)
            status = xai__scorer_read(o->scores + o->n_done * o->scorer.targets.n, &o->scorer,
                                      (const float *const *)r->values, n);
        if (status < 0)
            return status;
        o->n_done += n;
        if (o->run.progress != NULL && o->run.progress(o->n_done, o->n_windows, o->run.user) != 0 &&
            o->n_done < o->n_windows)
            return XAI_PARTIAL;
    }
    return XAI_OK;
}

/* Too little memory for it, hooks that edit, or windows that reach nearly everything: whole pictures do as well. */
xai_status xai__occlusion_run_regions(bool *ran, xai__occlusion *o)
{
    xai__scorer *s = &o->scorer;
    regions r = { .o = o };
    xai_status status = xai__region_create(&r.region, s->session, o->image, s->values, s->n_values,
                                           s->session->memory_budget);

    *ran = false;
    if (status == XAI_E_LIMIT || status == XAI_E_UNSUPPORTED) {
        xai__enter(); /* nothing failed */
        return XAI_OK;
    }
    if (status == XAI_OK)
        status = allocate(&r);
    if (status == XAI_OK) {
        o->share = share_of_all(&r);
        *ran = o->share <= WORTHWHILE_SHARE;
    }
    if (status == XAI_OK && *ran)
        status = run(&r);
    release(&r);
    return status;
}
