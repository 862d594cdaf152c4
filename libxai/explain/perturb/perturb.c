/* SPDX-License-Identifier: MIT
 * The perturbation engine: a counted stream of changed images, scored batch by batch within a memory budget. */
#include "explain/perturb/perturb.h"

#include "core/error.h"
#include "core/memory.h"
#include "core/threads.h"

/* Larger batches are no faster, and they say less often how far they are. */
enum { MAX_BATCH = 16 };

/* Pictures, beside the session's arena, take this share of its budget. */
enum { BUDGET_SHARE = 8 };

/* A run in progress; the buffers hold `most` images each. */
typedef struct stream {
    const xai__scorer *scorer;
    const xai__perturbation *p;
    size_t most, n; /* images that fit, and those of this batch */
    uint64_t first; /* number of the batch's first image */
    bool is_known;  /* the state has the batch's scores */
    xai_tensor *images;
    char *notes;
    double *scores;
} stream;

static size_t batch_size(const stream *s)
{
    const xai_run_options *run = s->p->run;
    uint64_t budget = run != NULL && run->memory_budget != 0 ? run->memory_budget
                                                             : xai__scorer_budget(s->scorer) / BUDGET_SHARE;
    uint64_t image = (uint64_t)s->scorer->input->size * sizeof(float) + s->p->note_size +
                     (uint64_t)s->scorer->targets.n * sizeof(double);
    uint64_t n = budget / image, left = s->p->count - s->p->first;

    n = n < MAX_BATCH ? n : MAX_BATCH;
    if (s->scorer->session == NULL && s->scorer->box.max_batch != 0 && n > s->scorer->box.max_batch)
        n = s->scorer->box.max_batch;
    n = n < left ? n : left;
    return n > 1 ? (size_t)n : 1;
}

/* One batch's worth, used again for every batch. */
static xai_status allocate(stream *s)
{
    xai_context *context = s->scorer->context;
    const int64_t *one = s->scorer->input->shape, shape[4] = { (int64_t)s->most, one[1], one[2], one[3] };
    xai_status status = xai__tensor_create(&s->images, context, shape, 4);

    if (status < 0)
        return status;
    s->notes = xai__zalloc_array(context, s->most, s->p->note_size);
    s->scores = xai__alloc_array(context, s->most, s->scorer->targets.n * sizeof *s->scores);
    return s->notes != NULL && s->scores != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

static void release(stream *s)
{
    xai_tensor_unref(s->images);
    xai__free(s->scorer->context, s->notes);
    xai__free(s->scorer->context, s->scores);
}

static void make_image(void *job, size_t index, size_t lane)
{
    const stream *s = job;

    (void)lane;
    s->p->make(s->p->user, s->first + index, s->images->data + index * s->scorer->input->size,
               s->notes + index * s->p->note_size);
}

/* The team is given back before the images are scored: the session, or the callback's, takes it again. */
static void make_images(stream *s)
{
    xai__team team = xai__team_take(s->scorer->context);

    xai__team_run(&team, s->n, make_image, s);
    xai__team_give_back(&team);
}

/* Of the last batch, only its beginning; the tensor is ours alone. Scores of a batch are all known or all new. */
static void set_batch(stream *s, uint64_t first)
{
    uint64_t left = s->p->count - first;
    size_t n_known = xai__state_left(s->p->state);

    s->first = first;
    s->is_known = n_known > 0;
    s->n = left < s->most ? (size_t)left : s->most;
    s->n = s->is_known && n_known < s->n ? n_known : s->n;
    s->images->shape[0] = (int64_t)s->n;
    s->images->size = s->n * s->scorer->input->size;
}

static uint64_t identify(const stream *s, size_t i)
{
    return s->p->identify != NULL ? s->p->identify(s->p->user, s->first + i) : s->first + i;
}

/* Where scores are known, images are only made for their notes. */
static xai_status score_batch(stream *s)
{
    xai_status status = XAI_OK;

    if (!s->is_known || s->p->note_size > 0)
        make_images(s);
    if (!s->is_known)
        return xai__scorer_score(s->scores, s->scorer, s->images);
    for (size_t i = 0; i < s->n && status == XAI_OK; i++)
        status = xai__state_recall(s->scores + i * s->scorer->targets.n, s->p->state, identify(s, i));
    return status;
}

/* n_taken counts on over all batches. What is new is kept image by image, so that a state does not tell how large the
 * batches were. */
static xai_status run_batch(uint64_t *n_taken, stream *s)
{
    xai_status status = score_batch(s);

    for (size_t i = 0; i < s->n && status == XAI_OK; i++) {
        const double *scores = s->scores + i * s->scorer->targets.n;

        if (!s->is_known)
            status = xai__state_add(s->p->state, identify(s, i), scores);
        if (status == XAI_OK)
            status = s->p->take(s->p->user, s->first + i, scores, s->notes + i * s->p->note_size);
        if (status >= XAI_OK)
            *n_taken = s->first + i + 1;
    }
    return status;
}

/* True where the watcher says stop; with the last image done that stops nothing. */
static bool report(const xai_run_options *run, uint64_t done, uint64_t total)
{
    return run != NULL && run->progress != NULL && run->progress(done, total, run->user) != 0 && done < total;
}

/* Progress is told behind each batch. One that says stop leaves what was taken so far; one that says so when all is
 * done stops nothing. */
static xai_status run_batches(uint64_t *n_taken, stream *s)
{
    uint64_t total = s->p->total != 0 ? s->p->total : s->p->count;

    while (*n_taken < s->p->count) {
        xai_status status;

        set_batch(s, *n_taken);
        status = run_batch(n_taken, s);
        if (status < 0)
            return status;
        if (report(s->p->run, *n_taken, status == XAI__PERTURB_ENOUGH ? *n_taken : total))
            return XAI_PARTIAL;
        if (status == XAI__PERTURB_ENOUGH)
            return XAI_OK;
    }
    return XAI_OK;
}

xai_status xai__perturb_run(uint64_t *n_done, const xai__scorer *scorer, const xai__perturbation *perturbation)
{
    stream s = { .scorer = scorer, .p = perturbation };
    uint64_t n_taken = perturbation->first;
    xai_status status = XAI_OK;

    if (perturbation->first < perturbation->count) {
        s.most = batch_size(&s);
        status = allocate(&s);
        if (status == XAI_OK)
            status = run_batches(&n_taken, &s);
        release(&s);
    }
    if (n_done != NULL)
        *n_done = n_taken;
    return status;
}
