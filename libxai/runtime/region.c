/* SPDX-License-Identifier: MIT
 * Regions: the network on many pictures that differ from one in a rectangle. */
#include "runtime/region.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "runtime/cache.h"
#include "runtime/region_state.h"

/* --- the session --- */

/* Claims the session, which must not edit values: its hooks would have to see every picture. */
static xai_status claim(xai_session *session)
{
    xai_status status = xai__session_claim(session);

    if (status < 0)
        return status;
    for (const xai_hook *hook = session->hooks; hook != NULL && status == XAI_OK; hook = hook->next)
        if (hook->kind == XAI_HOOK_EDIT && !atomic_load(&hook->is_dropped))
            status = xai__fail(XAI_E_UNSUPPORTED, "windows cannot be run while a hook edits '%s'",
                               xai_hook_value(hook));
    if (status < 0)
        xai__session_release(session);
    return status;
}

/* --- creation --- */

/* The very plan that a session of this purpose runs for these fetches. */
static xai_status find_plan(xai__region *region, const int32_t *fetches)
{
    const xai__graph *graph = &region->session->model->graph;
    const size_t n = region->n_fetches;
    int32_t *sorted = xai__alloc_array(region->context, n, sizeof *sorted);
    xai__plan_key key = { .graph = graph,
                          .purpose = XAI__WINDOWED,
                          .n_early = graph->n_nodes,
                          .feeds = &graph->input,
                          .n_feeds = 1,
                          .taps = sorted,
                          .n_taps = n,
                          .fetches = sorted,
                          .n_fetches = n };
    xai_status status;

    if (sorted == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        size_t at = i;

        for (; at > 0 && sorted[at - 1] > fetches[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = fetches[i];
    }
    key.cuts = sorted + n;
    status = xai__cache_plan(&region->plan, region->session->model, &key);
    xai__free(region->context, sorted);
    return status;
}

/* Where the fetches are delivered from. */
static xai_status find_places(xai__region *region, const int32_t *fetches)
{
    const xai__plan *plan = region->plan;

    region->places = xai__alloc_array(region->context, region->n_fetches, sizeof *region->places);
    if (region->places == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < region->n_fetches; i++)
        for (size_t j = 0; j < plan->n_steps; j++)
            if (plan->steps[j].kind == XAI__STEP_DELIVER && plan->steps[j].value == fetches[i])
                region->places[i] = plan->steps[j].in;
    /* Kernels that prepare their whole input first would do so for every window. Plans for windows have none, but
     * backends of others may. */
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].scratch_buffer >= 0)
            return xai__fail(XAI_E_UNSUPPORTED, "%s does not run on windows", plan->steps[i].kernel->name);
    return XAI_OK;
}

static bool is_cancelled(const xai__region *region)
{
    return atomic_exchange_explicit(&region->session->cancel, false, memory_order_relaxed);
}

static xai_status fail_cancelled(void)
{
    return xai__fail(XAI_E_CANCELLED, "cancelled");
}

/* The unchanged picture, with every value kept: what lies outside the windows of the others is theirs. */
static xai_status run_clean(xai__region *region, const xai_tensor *picture)
{
    const xai__plan *plan = region->plan;
    const xai__frame frame = { .region = region, .bed = &region->clean, .n = 1 };
    xai__team team = xai__team_take(region->context);
    xai_status status = XAI_OK;

    memcpy(region->clean.data + region->clean.offsets[region->input], picture->data, picture->size * sizeof(float));
    for (size_t i = 0; i < plan->n_steps && status == XAI_OK; i++) {
        if (is_cancelled(region))
            status = fail_cancelled();
        else if (plan->steps[i].kind != XAI__STEP_DELIVER)
            xai__region_step(&frame, &plan->steps[i], &team, 0);
    }
    xai__team_give_back(&team);
    return status;
}

static void make_clean(xai__region *region, const xai__bed *bed, size_t n_images)
{
    const size_t *from = region->clean.offsets;

    for (size_t image = 0; image < n_images; image++)
        for (size_t i = 0; i < region->plan->n_buffers; i++)
            if (bed->offsets[i] != XAI__NOT_HERE)
                memcpy(bed->data + image * bed->size + bed->offsets[i], region->clean.data + from[i],
                       region->plan->buffers[i].size * sizeof(float));
}

static xai_status prepare(xai__region *region, const xai_tensor *picture, const int32_t *fetches, uint64_t budget)
{
    xai_status status = find_plan(region, fetches);

    if (status == XAI_OK)
        status = find_places(region, fetches);
    if (status == XAI_OK)
        status = xai__region_lay_out(region, budget);
    if (status == XAI_OK)
        status = run_clean(region, picture);
    if (status < 0)
        return status;
    make_clean(region, &region->heads, region->n_heads);
    make_clean(region, &region->tails, region->n_tails);
    return XAI_OK;
}

static xai_status check_picture(const xai_session *session, const xai_tensor *picture)
{
    const xai__graph *graph = &session->model->graph;
    size_t n_images;
    xai_status status = xai__check_fed(&n_images, graph, graph->input, picture);

    if (status == XAI_OK && n_images != 1)
        status = xai__fail(XAI_E_SHAPE, "windows are run on one picture, got %zu", n_images);
    if (status == XAI_OK && graph->values[graph->input].rank != 4)
        status = xai__fail(XAI_E_UNSUPPORTED, "windows need a picture, '%s' has %u dimensions",
                           graph->values[graph->input].name, graph->values[graph->input].rank);
    return status;
}

xai_status xai__region_create(xai__region **out, xai_session *session, const xai_tensor *picture,
                              const int32_t *fetches, size_t n_fetches, uint64_t budget)
{
    xai_context *context = session->object.context;
    xai_status status = check_picture(session, picture);
    xai__region *region;

    *out = NULL;
    if (status == XAI_OK)
        status = claim(session);
    if (status < 0)
        return status;
    region = xai__zalloc_array(context, 1, sizeof *region);
    if (region != NULL) {
        region->context = context;
        region->session = xai_session_ref(session);
        region->n_fetches = n_fetches;
        status = prepare(region, picture, fetches, budget);
    } else {
        status = XAI_E_NO_MEMORY;
    }
    xai__session_release(session);
    if (status < 0)
        xai__region_destroy(region);
    else
        *out = region;
    return status;
}

void xai__region_destroy(xai__region *region)
{
    xai_context *context;

    if (region == NULL)
        return;
    context = region->context;
    xai__region_free_memory(region);
    xai__free(context, region->places);
    xai__cache_release(region->session->model, region->plan);
    xai_session_unref(region->session);
    xai__free(context, region);
}

/* --- batches of windows --- */

typedef struct batch {
    const xai__region *region;
    const xai__patch *patches;
    size_t first, n;
    float *const *out;
    xai__team *team;
    bool is_wide; /* a head for every thread, else all threads share one */
} batch;

static const xai__value *input_of(const xai__region *region)
{
    return &region->plan->graph->values[region->plan->graph->input];
}

/* Puts the patch into the picture that an image of a bed begins with. */
static void paint(const xai__region *region, const xai__bed *bed, size_t image, const xai__patch *patch)
{
    const xai__value *input = input_of(region);
    const int64_t height = input->shape[2], width = input->shape[3];
    float *to = bed->data + image * bed->size + bed->offsets[region->input];

    for (int64_t c = patch->c0; c < patch->c1; c++)
        for (int64_t y = patch->y0; y < patch->y1; y++) {
            int64_t at = (c * height + y) * width + patch->x0;

            memcpy(to + at, patch->picture + at, (size_t)(patch->x1 - patch->x0) * sizeof(float));
        }
}

/* Nothing is dirty but the patch; an empty patch leaves nothing to compute. */
static void start_row(const xai__region *region, xai__window *row, const xai__patch *patch)
{
    memset(row, 0, region->plan->n_buffers * sizeof *row);
    if (patch->c0 < patch->c1 && patch->y0 < patch->y1 && patch->x0 < patch->x1)
        row[region->input] = (xai__window){ patch->y0, patch->y1, patch->x0, patch->x1 };
}

/* All before the split, in a head; what the tail reads of it goes there, and the head is clean again. */
static void run_head(const batch *b, size_t index, size_t head, xai__team *team)
{
    const xai__region *region = b->region;
    const xai__patch *patch = &b->patches[b->first + index];
    xai__window *row = xai__region_row(region, index), window;
    const xai__frame frame = { region, &region->heads, head, 1, row, &window };

    start_row(region, row, patch);
    if (xai__window_is_empty(&row[region->input]))
        return;
    paint(region, &region->heads, head, patch);
    for (size_t i = 0; i < region->split; i++)
        if (region->plan->steps[i].kind != XAI__STEP_DELIVER)
            xai__region_step(&frame, &region->plan->steps[i], team, head);
    for (size_t i = 0; i < region->plan->n_buffers; i++)
        if (region->heads.offsets[i] != XAI__NOT_HERE && region->tails.offsets[i] != XAI__NOT_HERE &&
            !xai__window_is_empty(&row[i]))
            xai__region_copy(region, i, &row[i], &region->tails, index, &region->heads, head);
    xai__region_restore(region, &region->heads, head, row);
}

static void run_head_alone(void *data, size_t index, size_t lane)
{
    xai__team alone = { NULL };

    run_head(data, index, lane, &alone);
}

static void run_heads(const batch *b)
{
    if (b->is_wide) {
        xai__team_run(b->team, b->n, run_head_alone, (void *)b);
        return;
    }
    for (size_t i = 0; i < b->n; i++)
        run_head(b, i, 0, b->team);
}

static void run_tails(const batch *b)
{
    const xai__region *region = b->region;
    const xai__frame frame = { region, &region->tails, 0, b->n, region->dirty, region->windows };

    for (size_t i = region->split; i < region->plan->n_steps; i++)
        if (region->plan->steps[i].kind != XAI__STEP_DELIVER)
            xai__region_step(&frame, &region->plan->steps[i], b->team, 0);
}

static void read_fetch(const xai__region *region, size_t fetch, const xai__bed *bed, size_t image, float *out)
{
    const xai__place *place = &region->plan->places[region->places[fetch]];

    xai__place_read(out, region->plan, place,
                    bed->data + image * bed->size + bed->offsets[place->buffer] + place->offset);
}

static size_t size_of(const xai__region *region, size_t fetch)
{
    return region->plan->graph->values[region->plan->places[region->places[fetch]].value].size;
}

/* Hands out what was fetched and makes the tail clean. */
static void finish_image(void *data, size_t index, size_t lane)
{
    const batch *b = data;
    const xai__region *region = b->region;

    (void)lane;
    for (size_t i = 0; i < region->n_fetches; i++)
        read_fetch(region, i, &region->tails, index, b->out[i] + (b->first + index) * size_of(region, i));
    xai__region_restore(region, &region->tails, index, xai__region_row(region, index));
}

static xai_status check_patches(const xai__region *region, const xai__patch *patches, size_t n)
{
    const int64_t *shape = input_of(region)->shape;

    for (size_t i = 0; i < n; i++) {
        const xai__patch *p = &patches[i];

        if (p->c0 < 0 || p->c1 > shape[1] || p->y0 < 0 || p->y1 > shape[2] || p->x0 < 0 || p->x1 > shape[3])
            return xai__fail(XAI_E_INVALID,
                             "window %zu is [%d, %d) x [%d, %d) of channels [%d, %d), the picture is %lldx%lldx%lld", i,
                             p->y0, p->y1, p->x0, p->x1, p->c0, p->c1, (long long)shape[1], (long long)shape[2],
                             (long long)shape[3]);
    }
    return XAI_OK;
}

/* Stops between batches, where all heads and tails are clean. */
static xai_status run_batches(batch *b, size_t n)
{
    for (b->first = 0; b->first < n; b->first += b->region->n_tails) {
        if (is_cancelled(b->region))
            return fail_cancelled();
        b->n = n - b->first < b->region->n_tails ? n - b->first : b->region->n_tails;
        run_heads(b);
        run_tails(b);
        xai__team_run(b->team, b->n, finish_image, b);
    }
    return XAI_OK;
}

xai_status xai__region_run(xai__region *region, const xai__patch *patches, size_t n, float *const *out)
{
    batch b = { .region = region, .patches = patches, .out = out };
    xai_status status = check_patches(region, patches, n);
    xai__team team;

    if (status == XAI_OK)
        status = claim(region->session);
    if (status < 0)
        return status;
    team = xai__team_take(region->context);
    b.team = &team;
    b.is_wide = xai__team_size(&team) <= region->n_heads;
    status = run_batches(&b, n);
    xai__team_give_back(&team);
    xai__session_release(region->session);
    return status;
}

void xai__region_clean(const xai__region *region, size_t fetch, float *out)
{
    read_fetch(region, fetch, &region->clean, 0, out);
}

/* --- arithmetic --- */

/* Multiplications of a whole step, about. */
static double cost_of(const xai__plan *plan, const xai__step *step)
{
    const xai__graph *graph = plan->graph;
    const xai__node *node = step->node >= 0 ? &graph->nodes[step->node] : NULL;
    double size = (double)graph->values[step->value].size;

    if (node == NULL)
        return size;
    if (node->op == XAI__OP_CONV || node->op == XAI__OP_GEMM) {
        const xai__value *weights = &graph->values[node->inputs[1]];

        return size * (double)weights->size / (double)weights->shape[0];
    }
    if (node->op == XAI__OP_MAX_POOL || node->op == XAI__OP_AVERAGE_POOL)
        return size * node->attributes.kernel[0] * node->attributes.kernel[1];
    return node->n_inputs > 0 ? (double)graph->values[node->inputs[0]].size : size;
}

static double share_of(const xai__window *w, const xai__value *value)
{
    double area = (double)(w->y1 - w->y0) * (w->x1 - w->x0);

    if (xai__window_is_empty(w))
        return 0;
    return value->rank == 4 && value->shape[0] == 1 ? area / (double)(value->shape[2] * value->shape[3]) : 1;
}

/* The share of the whole network's arithmetic that these patches need, on average. */
double xai__region_share(xai__region *region, const xai__patch *patches, size_t n)
{
    const xai__plan *plan = region->plan;
    xai__window *row = xai__region_row(region, region->n_tails);
    double needed = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        start_row(region, row, &patches[i]);
        for (size_t j = 0; j < plan->n_steps; j++) {
            const xai__step *step = &plan->steps[j];
            double cost = step->kind != XAI__STEP_DELIVER ? cost_of(plan, step) : 0;
            xai__window w = { 0 };

            if (step->kind != XAI__STEP_DELIVER)
                w = xai__region_reach(region, step, row);
            all += cost;
            needed += cost * share_of(&w, &plan->graph->values[step->value]);
        }
    }
    return all > 0 ? needed / all : 0;
}
