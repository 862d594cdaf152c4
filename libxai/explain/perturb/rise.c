/* SPDX-License-Identifier: MIT
 * RISE: profiles, options, the stream of masks, the public function. */
#include "explain/perturb/rise.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"

/* The quirks are the originals'. TorchRay's sigmoid keeps negative logits from taking weight off what a mask shows;
 * xplique draws one shift for a batch of 32 masks; of openvino's sum only the shape matters, for it is scaled. */
static const xai__rise_profile profiles[] = {
    { .profile = { .name = "default", .is_raw = true },
      .n_masks = 4000,
      .grid = 8,
      .zoom = XAI__RISE_MIRROR,
      .estimate = XAI__RISE_COVARIANCE,
      .top_score = XAI_SCORE_PROBABILITY },
    { .profile = { .name = "rise", .is_raw = true },
      .n_masks = 2000,
      .grid = 8,
      .zoom = XAI__RISE_MIRROR,
      .estimate = XAI__RISE_MEAN,
      .top_score = XAI_SCORE_PROBABILITY,
      .is_numpy = true },
    { .profile = { .name = "torchray", .is_raw = true },
      .n_masks = 8000,
      .grid = 7,
      .zoom = XAI__RISE_PADDED,
      .estimate = XAI__RISE_PLAIN_MEAN,
      .top_score = XAI_SCORE_LOGIT,
      .is_sigmoid = true },
    { .profile = { .name = "xplique", .is_raw = true },
      .n_masks = 4000,
      .grid = 7,
      .zoom = XAI__RISE_EDGE,
      .estimate = XAI__RISE_RATIO,
      .top_score = XAI_SCORE_LOGIT,
      .shared_shifts = 32 },
    { .profile = { .name = "openvino" }, /* scaled from smallest to largest */
      .n_masks = 5000,
      .grid = 8,
      .zoom = XAI__RISE_CUBIC,
      .estimate = XAI__RISE_SUM,
      .top_score = XAI_SCORE_PROBABILITY },
    { .profile = { .name = "dianna", .is_raw = true },
      .n_masks = 1000,
      .grid = 8,
      .zoom = XAI__RISE_MIRROR,
      .estimate = XAI__RISE_MEAN,
      .top_score = XAI_SCORE_PROBABILITY,
      .finds_keep = true },
};

enum {
    N_PROFILES = sizeof profiles / sizeof *profiles,
    N_KEEP_TRIALS = 100 /* masks that dianna scores for each keep */
};

/* Far more than anyone waits for: whoever asks for more has made a slip. */
static const uint64_t MAX_MASKS = (uint64_t)1 << 32;

/* --- options --- */

static xai_status find_profile(const xai__rise_profile **out, const char *name)
{
    for (size_t i = 0; i < N_PROFILES; i++)
        if (strcmp(profiles[i].profile.name, name) == 0) {
            *out = &profiles[i];
            return XAI_OK;
        }
    return xai__fail(XAI_E_NOT_FOUND,
                     "rise has no profile '%.40s'; it has default, rise, torchray, xplique, openvino, dianna", name);
}

static xai_status check_flags(const xai__rise *r)
{
    const xai_rise_options *o = &r->options;
    const uint32_t both = XAI_RISE_PAIRED | XAI_RISE_UNPAIRED;

    if ((o->flags & ~both) != 0 || o->reserved != 0)
        return xai__fail(XAI_E_INVALID, "flags are %u, reserved is %u", o->flags, o->reserved);
    if ((o->flags & both) == both)
        return xai__fail(XAI_E_INVALID, "masks are asked for both in pairs and not in pairs");
    if ((o->flags & XAI_RISE_PAIRED) != 0 &&
        (r->profile->estimate != XAI__RISE_COVARIANCE || (o->keep > 0 && o->keep != 0.5f)))
        return xai__fail(XAI_E_INVALID, "masks in pairs need profile default and a keep of 0.5, got %s and %g",
                         r->profile->profile.name, (double)o->keep);
    return XAI_OK;
}

static xai_status check_values(const xai__rise *r)
{
    const xai_rise_options *o = &r->options;

    if (o->n_masks > MAX_MASKS)
        return xai__fail(XAI_E_INVALID, "%llu masks are more than %llu", (unsigned long long)o->n_masks,
                         (unsigned long long)MAX_MASKS);
    if (o->grid > XAI__RISE_MAX_GRID)
        return xai__fail(XAI_E_INVALID, "a grid of %u cells is finer than %d", o->grid, XAI__RISE_MAX_GRID);
    if (!(o->keep >= 0 && o->keep < 1))
        return xai__fail(XAI_E_INVALID, "keep is %g, expected above 0 and below 1", (double)o->keep);
    if (!(o->max_error >= 0 && isfinite(o->max_error)))
        return xai__fail(XAI_E_INVALID, "max_error is %g, expected a number from 0 on", (double)o->max_error);
    if (!(o->top_region >= 0 && o->top_region < 1))
        return xai__fail(XAI_E_INVALID, "top_region is %g, expected 0 to below 1", (double)o->top_region);
    if (r->profile->is_numpy && r->run.seed > UINT32_MAX)
        return xai__fail(XAI_E_INVALID, "seed %llu is none of numpy's, they are below 2^32",
                         (unsigned long long)r->run.seed);
    return XAI_OK;
}

/* keep has no default yet: profile dianna finds it, once there is something to score. */
static xai_status read_options(xai__rise *r, const xai_rise_options *options)
{
    xai_rise_options *o = &r->options;
    xai_status status = XAI__OPTIONS_READ(o, options);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&r->run, o->run);
    if (status == XAI_OK)
        status = find_profile(&r->profile, o->profile != NULL ? o->profile : "default");
    if (status == XAI_OK)
        status = check_flags(r);
    if (status == XAI_OK)
        status = check_values(r);
    if (status < 0)
        return status;
    if (o->n_masks == 0)
        o->n_masks = r->profile->n_masks;
    if (o->grid == 0)
        o->grid = r->profile->grid;
    return XAI_OK;
}

/* Cells are enlarged, so each takes a pixel or more. An enlarged grid is up to twice the image along a side, and places
 * in it are 32-bit numbers. */
static xai_status check_grid(const xai__rise *r)
{
    const int64_t *size = r->scorer.input->shape + 2;
    int64_t shorter = size[0] < size[1] ? size[0] : size[1];

    if (r->options.grid > shorter || size[0] > INT32_MAX / 4 || size[1] > INT32_MAX / 4)
        return xai__fail(XAI_E_INVALID, "a grid of %u cells does not fit an image of %lld x %lld", r->options.grid,
                         (long long)size[0], (long long)size[1]);
    return XAI_OK;
}

/* --- the stream --- */

/* The mask is made where the first channel goes, which comes last; sums need it again, the covariance doesn't. */
static void cover(void *user, uint64_t index, float *image, void *note)
{
    const xai__rise *r = user;
    const float *input = r->scorer.input->data;

    xai__rise_mask(image, &r->masks, index);
    if (!r->is_covariance)
        memcpy(note, image, r->n_pixels * sizeof *image);
    for (size_t c = (size_t)r->scorer.input->shape[1]; c-- > 0;)
        for (size_t i = 0; i < r->n_pixels; i++)
            image[c * r->n_pixels + i] = input[c * r->n_pixels + i] * image[i];
}

/* The first mask of a pair waits for the other one, whose sum it becomes a half of. */
static bool make_unit(xai__rise *r, uint64_t index, const double *scores)
{
    size_t n = r->n_targets;

    for (size_t t = 0; t < n; t++)
        r->scores[t] = r->profile->is_sigmoid ? 1 / (1 + exp(-scores[t])) : scores[t];
    if (!r->masks.is_paired)
        return true;
    for (size_t t = 0; t < n; t++) {
        if (index % 2 == 0)
            r->halves[t] = r->scores[t];
        else
            r->scores[t] = (r->scores[t] - r->halves[t]) / 2;
    }
    return index % 2 == 1;
}

static xai_status take(void *user, uint64_t index, const double *scores, const void *note)
{
    xai__rise *r = user;
    xai_status status = XAI_OK;
    bool settled;

    r->n_done = index + 1;
    if (!make_unit(r, index, scores))
        return XAI_OK;
    if (r->is_covariance)
        status = xai__rise_control_add(&r->control, r->scores);
    else
        xai__rise_sums_add(&r->sums, r->scores, note);
    if (status == XAI_OK)
        status = xai__rise_look(&settled, r);
    if (status < 0)
        return status;
    r->has_settled = settled;
    return settled ? XAI__PERTURB_ENOUGH : XAI_OK;
}

static xai_status run_stream(xai__rise *r, uint64_t n_masks, const xai_run_options *run,
                             xai_status (*taker)(void *user, uint64_t index, const double *scores, const void *note))
{
    return xai__perturb_run(NULL, &r->scorer,
                            &(xai__perturbation){ .count = n_masks,
                                                  .make = cover,
                                                  .take = taker,
                                                  .user = r,
                                                  .note_size = r->is_covariance ? 0 : r->n_pixels * sizeof(float),
                                                  .state = r->state,
                                                  .run = run });
}

/* --- dianna's search for keep --- */

/* Sums of the scores of a trial and of their squares, a target each. */
static xai_status take_trial(void *user, uint64_t index, const double *scores, const void *note)
{
    xai__rise *r = user;

    (void)index;
    (void)note;
    for (size_t t = 0; t < r->n_targets; t++) {
        r->halves[t] += scores[t];
        r->scores[t] += scores[t] * scores[t];
    }
    return XAI_OK;
}

/* Without progress: nobody asked for these masks, and a bar that ran nine times would say little. Their scores go into
 * the state as all others, so a run that goes on finds the same keep without asking. The same masks' numbers serve
 * every keep, so that what differs is keep alone. */
static xai_status try_keep(double *spread, xai__rise *r, double keep)
{
    const xai_run_options quiet = { .struct_size = sizeof quiet, .memory_budget = r->run.memory_budget };
    xai_status status;

    r->masks.keep = keep;
    memset(r->halves, 0, r->n_targets * sizeof *r->halves);
    memset(r->scores, 0, r->n_targets * sizeof *r->scores);
    status = run_stream(r, N_KEEP_TRIALS, &quiet, take_trial);
    *spread = 0;
    for (size_t t = 0; t < r->n_targets; t++) {
        double mean = r->halves[t] / N_KEEP_TRIALS;

        *spread = fmax(*spread, r->scores[t] / N_KEEP_TRIALS - mean * mean);
    }
    return status;
}

/* The original looks at all classes; the ones that are explained matter. */
static xai_status find_keep(xai__rise *r)
{
    double best = -1, keep = 0.5;
    xai_status status = XAI_OK;

    for (int tenth = 1; tenth < 10 && status == XAI_OK; tenth++) {
        double spread = 0;

        status = try_keep(&spread, r, tenth / 10.0);
        if (spread > best) {
            best = spread;
            keep = tenth / 10.0;
        }
    }
    r->masks.keep = keep;
    return status;
}

/* --- one computation --- */

xai_status xai__rise_gather(xai__rise *r)
{
    return r->is_covariance ? xai__rise_control_gather(&r->control) : XAI_OK;
}

void xai__rise_read(float *map, float *errors, const xai__rise *r, size_t target)
{
    if (r->is_covariance)
        xai__rise_control_read(map, errors, &r->control, target);
    else
        xai__rise_sums_read(map, errors, &r->sums, target);
}

static xai_status allocate(xai__rise *r)
{
    xai_context *context = r->scorer.context;

    r->n_pixels = (size_t)(r->scorer.input->shape[2] * r->scorer.input->shape[3]);
    r->n_targets = r->scorer.targets.n;
    r->is_covariance = r->profile->estimate == XAI__RISE_COVARIANCE;
    r->halves = xai__zalloc_array(context, r->n_targets, sizeof *r->halves);
    r->scores = xai__zalloc_array(context, r->n_targets, sizeof *r->scores);
    r->map = xai__alloc_array(context, r->n_pixels, sizeof *r->map);
    r->errors = xai__alloc_array(context, r->n_pixels, sizeof *r->errors);
    return r->halves != NULL && r->scores != NULL && r->map != NULL && r->errors != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* Pairs need both of their masks to be as likely. */
static bool is_paired(const xai__rise *r)
{
    return r->is_covariance && (r->options.keep <= 0 || r->options.keep == 0.5f) &&
           (r->options.flags & XAI_RISE_UNPAIRED) == 0;
}

/* What masks are made from. Those of numpy depend on how many there are, for all their cells are drawn first. */
static xai_status begin_state(xai__rise *r)
{
    const xai__rise_profile *p = r->profile;
    xai__facts facts = { .n = 0 };

    xai__facts_count(&facts, "seed", r->run.seed);
    xai__facts_count(&facts, "grid", r->options.grid);
    xai__facts_real(&facts, "keep", r->options.keep > 0 ? (double)r->options.keep : p->finds_keep ? 0 : 0.5);
    xai__facts_digest(&facts, "way to pair masks", is_paired(r));
    if (p->is_numpy)
        xai__facts_count(&facts, "n_masks", r->options.n_masks);
    return xai__state_begin(&r->state, r->options.state, &r->scorer, "rise", p->profile.name, &facts);
}

static xai_status make_masks(xai__rise *r)
{
    const int64_t *shape = r->scorer.input->shape;
    xai__rise_masks *m = &r->masks;
    xai_status status;

    m->context = r->scorer.context;
    m->grid = r->options.grid;
    m->keep = r->options.keep > 0 ? (double)r->options.keep : 0.5;
    m->seed = r->run.seed;
    m->shared_shifts = r->profile->shared_shifts > 0 ? r->profile->shared_shifts : 1;
    status = xai__rise_masks_init(m, (uint32_t)shape[2], (uint32_t)shape[3], r->profile->zoom);
    if (status == XAI_OK && r->profile->finds_keep && r->options.keep <= 0)
        status = find_keep(r);
    if (status == XAI_OK && r->profile->is_numpy)
        status = xai__rise_masks_draw(m, r->options.n_masks);
    return status;
}

/* A half pair could not be used. */
static void choose_pairs(xai__rise *r)
{
    r->masks.is_paired = is_paired(r);
    if (r->masks.is_paired)
        r->options.n_masks += r->options.n_masks % 2;
}

static xai_status init_estimate(xai__rise *r)
{
    xai_context *context = r->scorer.context;

    if (r->is_covariance) {
        r->control = (xai__rise_control){ .context = context, .masks = &r->masks, .n_targets = r->n_targets };
        return xai__rise_control_init(&r->control, r->options.n_masks / (r->masks.is_paired ? 2 : 1));
    }
    r->sums = (xai__rise_sums){ .context = context,
                                .n_pixels = r->n_pixels,
                                .n_targets = r->n_targets,
                                .estimate = r->profile->estimate,
                                .keep = r->masks.keep };
    return xai__rise_sums_init(&r->sums);
}

/* The error is the mean over pixels in the sense in which variances add up. "settled" only where somebody asked: else 0
 * would read as a warning. */
static void add_notes(xai_attribution *a, const xai__rise *r)
{
    double squares = 0;

    for (size_t i = 0; i < r->n_pixels; i++)
        squares += (double)a->errors->data[i] * a->errors->data[i];
    xai__attribution_note(a, "masks", (double)r->n_done);
    xai__attribution_note(a, "keep", r->masks.keep);
    xai__attribution_note(a, "standard_error", sqrt(squares / (double)r->n_pixels));
    if (r->options.max_error > 0 || r->options.top_region > 0)
        xai__attribution_note(a, "settled", r->has_settled);
    a->seed = r->run.seed;
    a->has_seed = true;
}

static xai_status finish_target(xai_attribution **out, const xai__rise *r, size_t target)
{
    const int64_t *shape = r->scorer.input->shape + 2;
    xai_attribution *a = NULL;
    xai_status status = xai__scorer_attribution(&a, &r->scorer, target);

    if (status == XAI_OK)
        status = xai__tensor_create(&a->map, r->scorer.context, shape, 2);
    if (status == XAI_OK)
        status = xai__tensor_create(&a->errors, r->scorer.context, shape, 2);
    if (status < 0) {
        xai_attribution_unref(a);
        return status;
    }
    a->method = "rise";
    a->profile = &r->profile->profile;
    a->is_signed = r->profile->estimate == XAI__RISE_COVARIANCE;
    xai__rise_read(a->map->data, a->errors->data, r, target);
    add_notes(a, r);
    *out = a;
    return XAI_OK;
}

/* The state comes before the masks, for the search for keep asks for scores already. A stop is a remark: the maps of
 * the masks so far are made all the same. */
static xai_status compute(xai_attribution **out, xai__rise *r)
{
    xai_status status = check_grid(r), remark = XAI_OK;

    if (status == XAI_OK)
        status = allocate(r);
    if (status == XAI_OK)
        status = begin_state(r);
    if (status == XAI_OK)
        status = make_masks(r);
    choose_pairs(r);
    if (status == XAI_OK)
        status = init_estimate(r);
    if (status == XAI_OK)
        status = remark = run_stream(r, r->options.n_masks, &r->run, take);
    if (status >= 0)
        status = xai__rise_gather(r);
    for (size_t i = 0; i < r->scorer.targets.n && status >= 0; i++)
        status = finish_target(&out[i], r, i);
    return status < 0 ? status : remark;
}

static void clean_up(xai__rise *r)
{
    xai_context *context = r->scorer.context;

    xai__state_end(r->state);
    xai__rise_forget(r);
    xai__rise_masks_fini(&r->masks);
    xai__rise_control_fini(&r->control);
    xai__rise_sums_fini(&r->sums);
    xai__free(context, r->halves);
    xai__free(context, r->scores);
    xai__free(context, r->map);
    xai__free(context, r->errors);
    xai__scorer_fini(&r->scorer);
}

xai_status xai_rise_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                            const xai_target *targets, size_t n_targets, const xai_rise_options *options)
{
    xai__rise r = { 0 };
    xai_status status;

    xai__enter();
    xai__attributions_empty(out, n_targets);
    if (out == NULL)
        return xai__fail(XAI_E_INVALID, "out is NULL");
    status = read_options(&r, options);
    if (status == XAI_OK)
        status = xai__scorer_init(&r.scorer, session, r.options.black_box, input, targets, n_targets,
                                  r.profile->top_score);
    if (status == XAI_OK)
        status = compute(out, &r);
    if (status < 0)
        xai__attributions_drop(out, n_targets > 0 ? n_targets : 1);
    clean_up(&r);
    return status;
}
