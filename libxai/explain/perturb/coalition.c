/* SPDX-License-Identifier: MIT
 * Coalitions of segments: their pictures, and their scores. */
#include "explain/perturb/coalition.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"

/* --- the door --- */

xai_status xai__coalitions_enter(xai_attribution **out, const xai_segments *segments, size_t n_targets)
{
    xai__enter();
    xai__attributions_empty(out, n_targets);
    if (out == NULL || segments == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "segments");
    return XAI_OK;
}

void xai__coalitions_leave(xai_attribution **out, size_t n_targets, xai_status status)
{
    if (out != NULL && status < 0)
        xai__attributions_drop(out, n_targets > 0 ? n_targets : 1);
}

/* --- what hidden segments show --- */

xai_status xai__coalitions_hide(xai__coalitions *c, const xai_tensor *baseline, uint32_t hide, float value,
                                bool mean_is_default)
{
    if (hide > XAI_HIDE_VALUE || !isfinite(value))
        return xai__fail(XAI_E_INVALID, "hide is %u, hide_value is %g", hide, (double)value);
    if (value != 0 && hide == XAI_HIDE_MEAN)
        return xai__fail(XAI_E_INVALID, "hide_value is %g, and hidden segments show their mean", (double)value);
    if (baseline != NULL && (hide != XAI_HIDE_DEFAULT || value != 0))
        return xai__fail(XAI_E_INVALID, "baseline is given, and hide %u or hide_value %g too", hide, (double)value);
    c->baseline = baseline;
    c->hide_value = value;
    c->hides_mean = hide == XAI_HIDE_MEAN || (hide == XAI_HIDE_DEFAULT && mean_is_default && value == 0);
    return XAI_OK;
}

/* Labels are a number a pixel of the prepared input, not of the photograph. */
static xai_status check_shapes(const xai__coalitions *c)
{
    const xai_tensor *b = c->baseline, *x = c->input;
    char text[128], wanted[128];

    if (x->shape[2] != c->segments->height || x->shape[3] != c->segments->width)
        return xai__fail(XAI_E_SHAPE, "the segments are %d x %d, the input is %lld x %lld", c->segments->height,
                         c->segments->width, (long long)x->shape[2], (long long)x->shape[3]);
    if (b != NULL && (b->rank != 4 || memcmp(b->shape, x->shape, 4 * sizeof *b->shape) != 0))
        return xai__fail(XAI_E_SHAPE, "the baseline is %s, expected %s",
                         xai__shape_text(text, sizeof text, b->shape, b->rank),
                         xai__shape_text(wanted, sizeof wanted, x->shape, x->rank));
    return XAI_OK;
}

/* Of one channel. */
static void hide_by_mean(float *out, const float *in, const xai__coalitions *c, double *sums, size_t *counts)
{
    const int32_t *labels = c->segments->labels;

    memset(sums, 0, c->n_segments * sizeof *sums);
    memset(counts, 0, c->n_segments * sizeof *counts);
    for (size_t i = 0; i < c->n_pixels; i++) {
        sums[labels[i]] += in[i];
        counts[labels[i]]++;
    }
    for (size_t i = 0; i < c->n_pixels; i++)
        out[i] = (float)(sums[labels[i]] / (double)counts[labels[i]]); /* a label that a pixel has has a count */
}

/* Made once: a sample then only chooses, pixel by pixel, between two pictures. */
static xai_status create_hidden(xai__coalitions *c)
{
    xai_context *context = c->scorer.context;
    double *sums = xai__alloc_array(context, c->n_segments, sizeof *sums);
    size_t *counts = xai__alloc_array(context, c->n_segments, sizeof *counts);
    bool ok;

    c->hidden = xai__alloc_array(context, c->input->size, sizeof *c->hidden);
    ok = c->hidden != NULL && sums != NULL && counts != NULL;
    for (size_t i = 0; i < c->input->size && ok; i++)
        c->hidden[i] = c->baseline != NULL ? c->baseline->data[i] : c->hide_value;
    for (size_t i = 0; i < c->n_channels && ok && c->hides_mean; i++)
        hide_by_mean(c->hidden + i * c->n_pixels, c->input->data + i * c->n_pixels, c, sums, counts);
    xai__free(context, sums);
    xai__free(context, counts);
    return ok ? XAI_OK : XAI_E_NO_MEMORY;
}

/* Shapes are checked behind the scorer, which knows what the input may be. */
xai_status xai__coalitions_begin(xai__coalitions *c, const xai_black_box *box, const xai_target *targets,
                                 size_t n_targets)
{
    xai_status status = xai__scorer_init(&c->scorer, c->session, box, c->input, targets, n_targets,
                                         XAI_SCORE_PROBABILITY);

    if (status == XAI_OK)
        status = check_shapes(c);
    if (status < 0)
        return status;
    c->n_targets = c->scorer.targets.n;
    c->n_segments = c->segments->n;
    c->n_channels = (size_t)c->input->shape[1];
    c->n_pixels = (size_t)(c->input->shape[2] * c->input->shape[3]);
    return create_hidden(c);
}

/* A context of NULL: the door refused the call before the scorer was there, so there is nothing to free. */
void xai__coalitions_fini(xai__coalitions *c)
{
    xai_context *context = c->scorer.context;

    if (context == NULL)
        return;
    xai__state_end(c->state);
    xai__free(context, c->hidden);
    xai__free(context, c->masks);
    xai__free(context, c->scores);
    xai__scorer_fini(&c->scorer);
}

/* Labels are compared as they are numbered: a sample's columns go by number. */
xai_status xai__coalitions_resume(xai__coalitions *c, xai_state *state, bool is_drawn, const char *method,
                                  const char *profile)
{
    xai__facts facts = { .n = 0 };

    xai__facts_count(&facts, "number of segments", c->n_segments);
    xai__facts_digest(&facts, "segmentation",
                      xai__hash(0, c->segments->labels, c->n_pixels * sizeof *c->segments->labels));
    xai__facts_digest(&facts, "source of samples", is_drawn);
    xai__facts_count(&facts, "seed", is_drawn ? c->run.seed : 0);
    xai__facts_digest(&facts, "hide or baseline", xai__hash(0, c->hidden, c->input->size * sizeof *c->hidden));
    return xai__state_begin(&c->state, state, &c->scorer, method, profile, &facts);
}

/* --- coalitions --- */

/* A byte a segment rather than a bit: rows go into the fit's products as they are. */
xai_status xai__coalitions_create(xai__coalitions *c, size_t n)
{
    size_t n_masks, n_scores;

    if (!xai__mul_size(&n_masks, n, c->n_segments) || !xai__mul_size(&n_scores, n, c->n_targets))
        return xai__fail_memory();
    c->masks = xai__zalloc_array(c->scorer.context, n_masks, 1);
    c->scores = xai__zalloc_array(c->scorer.context, n_scores, sizeof *c->scores);
    c->n = n;
    return c->masks != NULL && c->scores != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* One row a sample; anything between 0 and 1 would be a picture half hidden, which no method here means. */
xai_status xai__coalitions_take(xai__coalitions *c, const xai_tensor *samples)
{
    char text[128];
    xai_status status;

    if (samples->rank != 2 || samples->shape[0] < 1 || samples->shape[1] != (int64_t)c->n_segments)
        return xai__fail(XAI_E_SHAPE, "the samples are %s, expected Nx%zu with N >= 1, a column a segment",
                         xai__shape_text(text, sizeof text, samples->shape, samples->rank), c->n_segments);
    status = xai__coalitions_create(c, (size_t)samples->shape[0]);
    for (size_t i = 0; i < samples->size && status == XAI_OK; i++) {
        c->masks[i] = samples->data[i] == 1;
        if (samples->data[i] != 0 && samples->data[i] != 1)
            status = xai__fail(XAI_E_INVALID, "sample %zu has %g for segment %zu, it may be 0 or 1", i / c->n_segments,
                               (double)samples->data[i], i % c->n_segments);
    }
    return status;
}

/* The engine's make: from the row alone, so that rows can be made on any thread. */
static void make_image(void *user, uint64_t index, float *image, void *note)
{
    const xai__coalitions *c = user;
    const uint8_t *mask = c->masks + index * c->n_segments;
    const int32_t *labels = c->segments->labels;

    (void)note;
    for (size_t channel = 0; channel < c->n_channels; channel++) {
        const float *seen = c->input->data + channel * c->n_pixels, *hidden = c->hidden + channel * c->n_pixels;

        for (size_t i = 0; i < c->n_pixels; i++)
            *image++ = mask[labels[i]] != 0 ? seen[i] : hidden[i];
    }
}

/* The engine's take: scores stay until the fit, where all targets' are needed together. */
static xai_status take_scores(void *user, uint64_t index, const double *scores, const void *note)
{
    xai__coalitions *c = user;

    (void)note;
    memcpy(c->scores + index * c->n_targets, scores, c->n_targets * sizeof *scores);
    return XAI_OK;
}

/* A coalition is its row, whatever seed or number of samples it comes from. */
static uint64_t identify(void *user, uint64_t index)
{
    const xai__coalitions *c = user;

    return xai__hash(0, c->masks + index * c->n_segments, c->n_segments);
}

xai_status xai__coalitions_score(xai__coalitions *c)
{
    const xai__perturbation all = { .count = c->n,
                                    .make = make_image,
                                    .take = take_scores,
                                    .identify = identify,
                                    .user = c,
                                    .state = c->state,
                                    .run = &c->run };
    uint64_t n_done = 0;
    xai_status status = xai__perturb_run(&n_done, &c->scorer, &all);

    c->n_done = (size_t)n_done;
    return status;
}

/* Not a row of the samples: KernelSHAP's ends have no weight, they hold its constraint. */
xai_status xai__coalitions_score_hidden(double *out, const xai__coalitions *c)
{
    xai_tensor *image = NULL;
    xai_status status = xai__tensor_create(&image, c->scorer.context, c->input->shape, c->input->rank);

    if (status < 0)
        return status;
    memcpy(image->data, c->hidden, c->input->size * sizeof *c->hidden);
    status = xai__scorer_score(out, &c->scorer, image);
    xai_tensor_unref(image);
    return status;
}

/* --- the result --- */

/* The map repeats what the coefficients say, a number a segment, so that everything that takes maps takes these, too.
 */
xai_status xai__coalitions_attribution(xai_attribution **out, const xai__coalitions *c, size_t target,
                                       const double *coefficients, const double *standard_errors)
{
    xai_attribution *a = NULL;
    xai_status status = xai__scorer_attribution(&a, &c->scorer, target);

    if (status == XAI_OK)
        status = xai__tensor_create(&a->map, c->scorer.context, c->input->shape + 2, 2);
    if (status == XAI_OK) {
        a->coefficients = xai__alloc_array(c->scorer.context, c->n_segments, 2 * sizeof *a->coefficients);
        status = a->coefficients != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    }
    if (status < 0) {
        xai_attribution_unref(a);
        return status;
    }
    a->n_coefficients = c->n_segments;
    a->is_signed = true;
    memcpy(a->coefficients, coefficients, c->n_segments * sizeof *coefficients);
    memcpy(a->coefficients + c->n_segments, standard_errors, c->n_segments * sizeof *standard_errors);
    for (size_t i = 0; i < c->n_pixels; i++)
        a->map->data[i] = (float)coefficients[c->segments->labels[i]];
    *out = a;
    return XAI_OK;
}
