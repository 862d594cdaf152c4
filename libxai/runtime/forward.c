/* SPDX-License-Identifier: MIT
 * One run of a session: which values are tapped, which hooks fire, what is handed out. */
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "runtime/cache.h"
#include "runtime/session.h"
#include "runtime/step.h"

/* A run being prepared: the values it taps, and the hooks that want them. */
typedef struct forward {
    xai_session *session;
    const xai__request *request;
    const xai__graph *graph; /* the model's, or the gradient's */
    xai__gradient *gradient; /* NULL: none is wanted */
    int32_t *wrt;            /* its values for what the request wants */
    xai_hook **hooks;
    size_t n_hooks;
    int32_t *taps, *cuts, *fetches;
    size_t n_taps, n_cuts, n_fetches;
    xai_tensor **tensors;      /* one a tap; behind the seed NULL */
    xai_tensor **late_tensors; /* one a target and tap */
    xai_tensor **fetched;      /* one a fetch of the request, while the seed is asked for; not references */
    xai_tensor *seed;
    xai__plan *plan;
    size_t n_images, n_targets;
} forward;

/* --- shapes --- */

/* The shape of n images of a value: a leading 1 becomes n, else n is put in front. */
static size_t batch_shape(int64_t *shape, const xai__value *value, size_t n)
{
    bool replaces = value->rank > 0 && value->shape[0] == 1;
    size_t skip = replaces ? 1 : 0;

    shape[0] = (int64_t)n;
    memcpy(shape + 1, value->shape + skip, (value->rank - skip) * sizeof *shape);
    return 1 + value->rank - skip;
}

xai_status xai__check_fed(size_t *n_images, const xai__graph *graph, int32_t value, const xai_tensor *tensor)
{
    const xai__value *v = &graph->values[value];
    int64_t shape[XAI__MAX_RANK + 1];
    size_t rank = batch_shape(shape, v, 0);
    char got[128], wanted[128];

    *n_images = tensor->rank > 0 ? (size_t)tensor->shape[0] : 0;
    if (tensor->rank == rank && *n_images > 0 && memcmp(tensor->shape + 1, shape + 1, (rank - 1) * sizeof *shape) == 0)
        return XAI_OK;
    xai__shape_text(wanted, sizeof wanted, shape + 1, rank - 1);
    return xai__fail(XAI_E_SHAPE, "'%s' takes Nx%s with N >= 1, got %s", v->name, wanted,
                     xai__shape_text(got, sizeof got, tensor->shape, tensor->rank));
}

/* --- who wants what --- */

/* In ascending order and once each, as a plan's key wants them. */
static void insert_value(int32_t *values, size_t *n, int32_t value)
{
    size_t at = *n;

    for (size_t i = 0; i < *n; i++)
        if (values[i] == value)
            return;
    for (; at > 0 && values[at - 1] > value; at--)
        values[at] = values[at - 1];
    values[at] = value;
    ++*n;
}

/* A session that explains runs the network often; only the caller's own runs fire its observers, but edits always hold:
 * they are part of the model that is explained. */
static bool is_wanted(const forward *f, const xai_hook *hook)
{
    return !atomic_load(&hook->is_dropped) && (f->request->fires_hooks || hook->kind == XAI_HOOK_EDIT);
}

static xai_status list_hooks(forward *f)
{
    const xai_session *session = f->session;
    size_t n = 0;

    for (xai_hook *hook = session->hooks; hook != NULL; hook = hook->next)
        n++;
    f->hooks = xai__alloc_array(session->object.context, n, sizeof(xai_hook *));
    if (f->hooks == NULL)
        return XAI_E_NO_MEMORY;
    for (xai_hook *hook = session->hooks; hook != NULL; hook = hook->next)
        if (is_wanted(f, hook))
            f->hooks[f->n_hooks++] = hook;
    return XAI_OK;
}

/* Claims the session and lists the hooks that take part. */
static xai_status start(forward *f)
{
    xai_status status = xai__session_claim(f->session);

    if (status < 0)
        return status;
    status = list_hooks(f);
    if (status < 0)
        xai__session_release(f->session);
    return status;
}

static void free_tensors(forward *f)
{
    xai_context *context = f->session->object.context;

    for (size_t i = 0; f->tensors != NULL && i < f->n_taps; i++)
        xai_tensor_unref(f->tensors[i]);
    for (size_t i = 0; f->late_tensors != NULL && i < f->n_targets * f->n_taps; i++)
        xai_tensor_unref(f->late_tensors[i]);
    xai_tensor_unref(f->seed);
    xai__free(context, f->tensors);
    xai__free(context, f->late_tensors);
    xai__free(context, f->fetched);
}

/* In any state that the steps of xai__session_run() leave behind. */
static void finish(forward *f)
{
    xai_session *session = f->session;
    xai_context *context = session->object.context;

    free_tensors(f);
    xai__free(context, f->taps);
    xai__free(context, f->wrt);
    xai__free(context, f->hooks);
    xai__cache_release(session->model, f->plan);
    xai__cache_release_gradient(session->model, f->gradient);
    xai__session_release(session);
}

/* The graph to run, and the values in it that hold the gradients. */
static xai_status find_gradients(forward *f)
{
    const xai__backward *backward = f->request->backward;
    xai_model *model = f->session->model;
    xai_status status;

    f->graph = &model->graph;
    if (backward == NULL)
        return XAI_OK;
    f->wrt = xai__alloc_array(f->session->object.context, backward->n_wrt, sizeof *f->wrt);
    if (f->wrt == NULL)
        return XAI_E_NO_MEMORY;
    status = xai__cache_gradient(&f->gradient, model, backward->of, backward->rule);
    for (size_t i = 0; i < backward->n_wrt && status == XAI_OK; i++)
        status = xai__gradient_find(&f->wrt[i], f->gradient, backward->wrt[i]);
    if (status < 0)
        return status;
    f->graph = &f->gradient->graph;
    f->n_targets = backward->n_targets;
    return XAI_OK;
}

/* What is fetched is computed, delivered, and seen by its hooks. */
static void insert_fetch(forward *f, int32_t value)
{
    insert_value(f->taps, &f->n_taps, value);
    insert_value(f->fetches, &f->n_fetches, value);
}

/* Hooks on values that this run does not compute stay silent. */
static xai_status insert_hooks(forward *f, const xai__plan_key *key)
{
    xai_context *context = f->session->object.context;
    bool *computed = xai__zalloc_array(context, f->graph->n_values, sizeof *computed);

    if (computed == NULL)
        return XAI_E_NO_MEMORY;
    xai__graph_mark_computed(computed, key->graph, key->feeds, key->n_feeds, key->fetches, key->n_fetches);
    for (size_t i = 0; i < f->n_hooks; i++) {
        if (!computed[f->hooks[i]->value])
            continue;
        insert_value(f->taps, &f->n_taps, f->hooks[i]->value);
        if (f->hooks[i]->kind == XAI_HOOK_EDIT)
            insert_value(f->cuts, &f->n_cuts, f->hooks[i]->value);
    }
    xai__free(context, computed);
    return XAI_OK;
}

/* Taps, cuts and fetches, which with the feeds are what a plan is compiled for and found by. */
static xai_status collect_taps(forward *f)
{
    const xai__request *request = f->request;
    size_t n_wrt = f->gradient != NULL ? request->backward->n_wrt : 0, n = request->n_fetches + n_wrt + f->n_hooks;
    const int32_t feeds[2] = { request->feed, f->gradient != NULL ? f->gradient->seed : -1 };
    xai__plan_key key = { .graph = f->graph,
                          .gradient = f->gradient,
                          .purpose = request->is_windowed ? XAI_PURPOSE_WINDOWED : f->session->purpose,
                          .n_early = f->gradient != NULL ? f->gradient->n_forward : f->graph->n_nodes,
                          .feeds = feeds,
                          .n_feeds = f->gradient != NULL ? 2 : 1 };
    xai_status status;

    f->taps = xai__alloc_array(f->session->object.context, 3 * n, sizeof *f->taps);
    if (f->taps == NULL)
        return XAI_E_NO_MEMORY;
    f->cuts = f->taps + n;
    f->fetches = f->cuts + n;
    for (size_t i = 0; i < request->n_fetches; i++)
        insert_fetch(f, request->fetches[i]);
    for (size_t i = 0; i < n_wrt; i++)
        insert_fetch(f, f->wrt[i]);
    key.fetches = f->fetches;
    key.n_fetches = f->n_fetches;
    status = insert_hooks(f, &key);
    key.taps = f->taps;
    key.n_taps = f->n_taps;
    key.cuts = f->cuts;
    key.n_cuts = f->n_cuts;
    return status < 0 ? status : xai__cache_plan(&f->plan, f->session->model, &key);
}

static xai_status create_tensor(xai_tensor **out, const forward *f, int32_t value)
{
    int64_t shape[XAI__MAX_RANK + 1];
    size_t rank = batch_shape(shape, &f->graph->values[value], f->n_images);

    return xai__tensor_create(out, f->session->object.context, shape, rank);
}

static xai_status create_late_tensors(forward *f, size_t tap)
{
    xai_status status = XAI_OK;

    for (size_t t = 0; t < f->n_targets && status == XAI_OK; t++)
        status = create_tensor(&f->late_tensors[t * f->n_taps + tap], f, f->taps[tap]);
    return status;
}

/* Values behind those of the network are gradients. */
static xai_status create_tensors(forward *f)
{
    xai_context *context = f->session->object.context;
    int32_t n_network = (int32_t)f->session->model->graph.n_values;
    xai_status status = XAI_OK;
    size_t n;

    f->tensors = xai__zalloc_array(context, f->n_taps, sizeof(xai_tensor *));
    f->fetched = xai__zalloc_array(context, f->request->n_fetches, sizeof(xai_tensor *));
    f->late_tensors = xai__mul_size(&n, f->n_targets, f->n_taps) ? xai__zalloc_array(context, n, sizeof(xai_tensor *))
                                                                 : NULL;
    if (f->tensors == NULL || f->fetched == NULL || f->late_tensors == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < f->n_taps && status == XAI_OK; i++)
        status = f->taps[i] < n_network ? create_tensor(&f->tensors[i], f, f->taps[i]) : create_late_tensors(f, i);
    if (f->gradient != NULL && status == XAI_OK)
        status = create_tensor(&f->seed, f, f->gradient->seed);
    return status;
}

/* --- hooks fire --- */

/* A value that is edited after it was captured is captured as a copy. */
static xai_status capture(const forward *f, size_t index, xai_tensor *value)
{
    xai_hook *hook = f->hooks[index];
    xai_tensor *kept = NULL;
    bool edited_later = false;

    for (size_t i = index + 1; i < f->n_hooks; i++)
        edited_later |= f->hooks[i]->value == hook->value && f->hooks[i]->kind == XAI_HOOK_EDIT;
    if (edited_later) {
        xai_status status = xai__tensor_create(&kept, f->session->object.context, value->shape, value->rank);

        if (status < 0)
            return status;
        memcpy(kept->data, value->data, value->size * sizeof(float));
    } else {
        kept = xai_tensor_ref(value);
    }
    xai_tensor_unref(hook->captured);
    hook->captured = kept;
    return XAI_OK;
}

static xai_status fire(void *user, size_t tap, xai_tensor *value)
{
    const forward *f = user;
    xai_status status = XAI_OK;

    for (size_t i = 0; i < f->n_hooks && status == XAI_OK; i++) {
        xai_hook *hook = f->hooks[i];
        int32_t answer = 0;

        if (hook->value != f->taps[tap] || !is_wanted(f, hook))
            continue;
        if (hook->kind == XAI_HOOK_CAPTURE)
            status = capture(f, i, value);
        if (hook->call != NULL && status == XAI_OK)
            answer = hook->call(hook, value, hook->user);
        if (answer != 0)
            status = xai__fail(XAI_E_CALLBACK, "the hook on '%s' returned %d", xai_hook_value(hook), answer);
    }
    return status;
}

/* --- running --- */

/* Takes memory of *size units and returns such of wanted ones or more; NULL: there is none, and what was there is gone.
 * It grows and never shrinks, for the next run of the session is likely the same. What was in it is not kept. */
static void *reserve(void *data, size_t *size, size_t wanted, size_t unit, xai_context *context)
{
    if (data != NULL && *size >= wanted)
        return data;
    xai__free(context, data);
    data = xai__alloc_array(context, wanted, unit);
    *size = data != NULL ? wanted : 0;
    return data;
}

/* What a run of the plan writes to beside its taps. */
static xai_status reserve_memory(xai_session *session, const xai__plan *plan, size_t chunk, size_t n_threads)
{
    xai_context *context = session->object.context;
    size_t size;

    if (!xai__mul_size(&size, plan->arena, chunk))
        return xai__fail_memory();
    session->arena = reserve(session->arena, &session->arena_size, size, sizeof *session->arena, context);
    if (session->arena == NULL)
        return XAI_E_NO_MEMORY;
    session->scratch = reserve(session->scratch, &session->scratch_size, n_threads * plan->task_scratch, 1, context);
    return session->scratch != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* Images that fit into the budget; a hook that edits must see all of them at once. */
static size_t chunk_size(const forward *f)
{
    uint64_t image = (uint64_t)f->plan->arena * sizeof(float);
    uint64_t n = image > 0 ? f->session->memory_budget / image : f->n_images;

    if (f->n_cuts > 0 || n > f->n_images)
        return f->n_images;
    return n > 0 ? (size_t)n : 1;
}

static void find_fetched(xai_tensor **out, const forward *f)
{
    for (size_t i = 0; i < f->request->n_fetches; i++)
        for (size_t tap = 0; tap < f->n_taps; tap++)
            if (f->taps[tap] == f->request->fetches[i])
                out[i] = f->tensors[tap];
}

static xai_status seed(void *user, size_t target, size_t first, size_t n)
{
    forward *f = user;
    const xai__backward *backward = f->request->backward;

    return backward->seed(backward->user, f->seed->data, target, first, n, f->fetched);
}

static xai_status execute(forward *f)
{
    xai_session *session = f->session;
    size_t chunk = chunk_size(f);
    const xai_tensor *const fed[2] = { f->request->fed, f->seed };
    xai__team team = xai__team_take(session->object.context);
    xai_status status = reserve_memory(session, f->plan, chunk, xai__team_size(&team));

    find_fetched(f->fetched, f);
    if (status == XAI_OK)
        status = xai__run_plan(&(xai__run){ .plan = f->plan,
                                            .fed = fed,
                                            .taps = f->tensors,
                                            .late_taps = f->gradient != NULL ? f->late_tensors : NULL,
                                            .n_targets = f->n_targets,
                                            .seed = seed,
                                            .n_images = f->n_images,
                                            .chunk = chunk,
                                            .arena = session->arena,
                                            .task_scratch = session->scratch,
                                            .team = &team,
                                            .deliver = fire,
                                            .user = f,
                                            .cancel = &session->cancel });
    xai__team_give_back(&team);
    return status;
}

static void hand_out_gradients(const forward *f)
{
    const xai__backward *backward = f->request->backward;

    for (size_t t = 0; t < f->n_targets; t++)
        for (size_t i = 0; i < backward->n_wrt; i++)
            for (size_t tap = 0; tap < f->n_taps; tap++)
                if (f->taps[tap] == f->wrt[i])
                    backward->out[t * backward->n_wrt + i] = xai_tensor_ref(f->late_tensors[t * f->n_taps + tap]);
}

static void hand_out(xai_tensor **out, const forward *f)
{
    find_fetched(out, f);
    for (size_t i = 0; i < f->request->n_fetches; i++)
        xai_tensor_ref(out[i]);
    if (f->gradient != NULL)
        hand_out_gradients(f);
}

static void clear_results(xai_tensor **out, const xai__request *request)
{
    const xai__backward *backward = request->backward;

    for (size_t i = 0; i < request->n_fetches; i++)
        out[i] = NULL;
    for (size_t i = 0; backward != NULL && i < backward->n_targets * backward->n_wrt; i++)
        backward->out[i] = NULL;
}

xai_status xai__session_run(xai_tensor **out, xai_session *session, const xai__request *request)
{
    forward f = { .session = session, .request = request };
    xai_status status;

    /* First, so that on any failure the caller has nothing to unref. */
    clear_results(out, request);
    status = start(&f);
    if (status < 0)
        return status;
    status = xai__check_fed(&f.n_images, &session->model->graph, request->feed, request->fed);
    if (status == XAI_OK)
        status = find_gradients(&f);
    if (status == XAI_OK)
        status = collect_taps(&f);
    if (status == XAI_OK)
        status = create_tensors(&f);
    if (status == XAI_OK)
        status = execute(&f);
    if (status == XAI_OK)
        hand_out(out, &f);
    finish(&f);
    return status;
}
