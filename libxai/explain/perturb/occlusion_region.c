/* SPDX-License-Identifier: MIT
 * Occlusion that computes only what each window reaches, with the bits of whole pictures in the same plan. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/perturb/occlusion.h"
#include "runtime/region.h"

/* Windows at a time: each thread should have a few dozen, and a watcher wants to know how far it is. */
enum { WINDOWS_AT_ONCE = 64 };

/* Copying back and walking rectangles cost, too: bookkeeping eats up a saving that is smaller. */
static const double WORTHWHILE_SHARE = 0.85;

/* The windows in progress. */
struct xai__occlusion_regions {
    xai__region *region;
    xai__patch *patches; /* WINDOWS_AT_ONCE */
    float **values;      /* a value of the scorer each, WINDOWS_AT_ONCE x its size */
};

static size_t size_of(const xai__scorer *s, size_t index)
{
    return s->session->model->graph.values[s->values[index]].size;
}

static xai_status allocate(xai__occlusion_regions *r, const xai__scorer *s)
{
    r->patches = xai__alloc_array(s->context, WINDOWS_AT_ONCE, sizeof *r->patches);
    r->values = xai__zalloc_array(s->context, s->n_values, sizeof *r->values);
    if (r->patches == NULL || r->values == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < s->n_values; i++) {
        r->values[i] = xai__alloc_array(s->context, size_of(s, i), WINDOWS_AT_ONCE * sizeof(float));
        if (r->values[i] == NULL)
            return XAI_E_NO_MEMORY;
    }
    return XAI_OK;
}

void xai__occlusion_close_regions(xai__occlusion *o)
{
    const xai__scorer *s = &o->scorer;
    xai__occlusion_regions *r = o->regions;

    if (r == NULL)
        return;
    for (size_t i = 0; r->values != NULL && i < s->n_values; i++)
        xai__free(s->context, r->values[i]);
    xai__free(s->context, r->values);
    xai__free(s->context, r->patches);
    xai__region_destroy(r->region);
    xai__free(s->context, r);
    o->regions = NULL;
}

/* Patches point into the baseline, so placing them copies no pixel. */
static size_t place_patches(const xai__occlusion *o, uint64_t first)
{
    size_t n = 0;

    for (; n < WINDOWS_AT_ONCE && first + n < o->n_listed; n++) {
        xai__window w = xai__window_at(&o->grid, xai__occlusion_window(o, first + n));

        o->regions->patches[n] = (xai__patch){ .y0 = (int32_t)w.top,
                                               .y1 = (int32_t)w.bottom,
                                               .x0 = (int32_t)w.left,
                                               .x1 = (int32_t)w.right,
                                               .c1 = (int32_t)o->image->shape[1],
                                               .picture = o->baseline->data };
    }
    return n;
}

/* In whole pictures, of windows which are looked at in the same portions as they are run. */
static double work_of_listed(const xai__occlusion *o)
{
    double sum = 0;

    for (uint64_t first = o->n_done; first < o->n_listed; first += WINDOWS_AT_ONCE) {
        size_t n = place_patches(o, first);

        sum += (double)n * xai__region_share(o->regions->region, o->regions->patches, n);
    }
    return sum;
}

static xai_status create(xai__occlusion *o)
{
    xai__scorer *s = &o->scorer;
    xai_status status;

    o->regions = xai__zalloc_array(s->context, 1, sizeof *o->regions);
    if (o->regions == NULL)
        return XAI_E_NO_MEMORY;
    status = xai__region_create(&o->regions->region, s->session, o->image, s->values, s->n_values,
                                s->session->memory_budget);
    return status < 0 ? status : allocate(o->regions, s);
}

/* Too little memory for it, hooks that edit, or windows that reach nearly everything: whole pictures do as well. */
xai_status xai__occlusion_open_regions(xai__occlusion *o)
{
    xai_status status = create(o);

    if (status == XAI_E_LIMIT || status == XAI_E_UNSUPPORTED) {
        xai__enter(); /* nothing failed */
        xai__occlusion_close_regions(o);
        return XAI_OK;
    }
    if (status == XAI_OK && work_of_listed(o) > WORTHWHILE_SHARE * (double)o->n_listed)
        xai__occlusion_close_regions(o);
    return status;
}

/* The next windows, n of them: those that the state knows are not run. */
static xai_status score_windows(size_t *n, xai__occlusion *o)
{
    xai__occlusion_regions *r = o->regions;
    size_t n_known = xai__state_left(o->state), n_targets = o->scorer.targets.n;
    double *scores = o->scores + o->n_done * n_targets;
    xai_status status = XAI_OK;

    *n = place_patches(o, o->n_done);
    if (n_known > 0) {
        *n = n_known < *n ? n_known : *n;
        for (size_t i = 0; i < *n && status == XAI_OK; i++)
            status = xai__state_recall(scores + i * n_targets, o->state, o->n_done + i);
        return status;
    }
    status = xai__region_run(r->region, r->patches, *n, r->values);
    if (status == XAI_OK)
        status = xai__scorer_read(scores, &o->scorer, (const float *const *)r->values, *n);
    for (size_t i = 0; i < *n && status == XAI_OK; i++)
        status = xai__state_add(o->state, o->n_done + i, scores + i * n_targets);
    return status;
}

xai_status xai__occlusion_run_regions(xai__occlusion *o)
{
    o->work += work_of_listed(o);
    while (o->n_done < o->n_listed) {
        size_t n;
        xai_status status = score_windows(&n, o);

        if (status < 0)
            return status;
        o->n_done += n;
        if (o->run.progress != NULL && o->run.progress(o->n_done, o->n_wanted, o->run.user) != 0 &&
            o->n_done < o->n_wanted)
            return XAI_PARTIAL;
    }
    return XAI_OK;
}
