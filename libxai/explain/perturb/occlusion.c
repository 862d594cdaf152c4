/* SPDX-License-Identifier: MIT
 * Occlusion: profiles, options, the public function. */
#include "explain/perturb/occlusion.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/options.h"
#include "explain/baseline.h"

/* The quirks are the originals'. A stride of UINT32_MAX stands for a whole window, 0 for half of one. */
static const xai__occlusion_profile profiles[] = {
    { .profile = { .name = "default", .is_raw = true }, .window = 16, .has_cut_windows = true },
    { .profile = { .name = "captum", .is_raw = true }, .window = 16, .has_cut_windows = true },
    { .profile = { .name = "kazuto", .is_raw = true },
      .window = 35,
      .stride = 1,
      .map = XAI__OCCLUSION_WINDOW,
      .is_padded = true,
      .starts_late = true },
    { .profile = { .name = "xplique", .is_raw = true }, .window = 3, .stride = UINT32_MAX, .map = XAI__OCCLUSION_SUM },
};

/* A standard deviation of a twentieth of the shorter side: large enough that shapes go, small enough that colours stay.
 */
enum { N_PROFILES = sizeof profiles / sizeof *profiles, BLUR_SHARE = 20 };

/* --- options --- */

static xai_status find_profile(const xai__occlusion_profile **out, const char *name)
{
    for (size_t i = 0; i < N_PROFILES; i++)
        if (strcmp(profiles[i].profile.name, name) == 0) {
            *out = &profiles[i];
            return XAI_OK;
        }
    return xai__fail(XAI_E_NOT_FOUND, "occlusion has no profile '%.40s'; it has default, captum, kazuto, xplique",
                     name);
}

static uint32_t default_stride(const xai__occlusion_profile *profile, uint32_t window)
{
    return profile->stride == 0 ? (window + 1) / 2 : profile->stride == UINT32_MAX ? window : profile->stride;
}

/* A side alone means a square. The other side's stride is taken over only where windows still overlap with it: one that
 * was chosen for tall windows may leave gaps between narrow ones. */
static void fill_defaults(xai_occlusion_options *o, const xai__occlusion_profile *profile)
{
    if (o->window_height == 0)
        o->window_height = o->window_width != 0 ? o->window_width : profile->window;
    if (o->window_width == 0)
        o->window_width = o->window_height;
    if (o->stride_height == 0)
        o->stride_height = o->stride_width != 0 ? o->stride_width : default_stride(profile, o->window_height);
    if (o->stride_width == 0)
        o->stride_width = o->stride_height < o->window_width ? o->stride_height
                                                             : default_stride(profile, o->window_width);
    if (o->fill == NULL)
        o->fill = "value";
}

static xai_status check_values(const xai_occlusion_options *o)
{
    const uint32_t sizes[] = { o->window_height, o->window_width, o->stride_height, o->stride_width };

    if ((o->flags & ~(uint32_t)XAI_OCCLUSION_WHOLE) != 0 || o->reserved != 0 || o->reserved_2 != 0)
        return xai__fail(XAI_E_INVALID, "flags are %u, reserved are %u and %u", o->flags, o->reserved, o->reserved_2);
    if (!isfinite(o->fill_value))
        return xai__fail(XAI_E_INVALID, "fill_value is %g, expected a finite number", (double)o->fill_value);
    if (!isfinite(o->blur_sigma) || o->blur_sigma < 0)
        return xai__fail(XAI_E_INVALID, "blur_sigma is %g, expected a number from 0 on", (double)o->blur_sigma);
    if (!(o->share >= 0 && o->share <= 1))
        return xai__fail(XAI_E_INVALID, "share is %g, expected 0 to 1", (double)o->share);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] > INT32_MAX)
            return xai__fail(XAI_E_INVALID, "a window or stride of %u pixels is more than %d", sizes[i], INT32_MAX);
    if (o->baseline != NULL && (o->fill != NULL || o->fill_value != 0))
        return xai__fail(XAI_E_INVALID, "a baseline is given, and fill or fill_value too");
    return XAI_OK;
}

static xai_status read_options(xai__occlusion *o, const xai_occlusion_options *options)
{
    xai_status status = XAI__OPTIONS_READ(&o->options, options);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&o->run, o->options.run);
    if (status == XAI_OK)
        status = find_profile(&o->profile, o->options.profile != NULL ? o->options.profile : "default");
    if (status == XAI_OK)
        status = check_values(&o->options);
    if (status == XAI_OK)
        fill_defaults(&o->options, o->profile);
    return status;
}

/* --- the image, and what covers it --- */

/* An image that a model takes as it is counts as padded. */
static bool wants_padding(const xai__occlusion *o, const xai_session *session, const xai_tensor *input)
{
    const xai_black_box *box = o->options.black_box;
    const int64_t *taken = session != NULL ? session->model->graph.values[session->model->graph.input].shape + 1
                           : box != NULL   ? box->shape
                                           : NULL;

    return o->profile->is_padded && input->rank == 4 && input->size > 0 && taken != NULL &&
           (taken[0] == 0 || memcmp(taken, input->shape + 1, 3 * sizeof *taken) != 0);
}

/* Row by row: a padded plane's rows are wider than the input's. */
static xai_status pad(xai_tensor **out, const xai_tensor *input, int64_t rows, int64_t columns, float value)
{
    const int64_t *in = input->shape;
    const int64_t shape[4] = { in[0], in[1], in[2] + 2 * rows, in[3] + 2 * columns };
    xai_status status = xai__tensor_create(out, input->object.context, shape, 4);

    if (status < 0)
        return status;
    for (size_t i = 0; i < (*out)->size; i++)
        (*out)->data[i] = value;
    for (int64_t y = 0; y < in[0] * in[1] * in[2]; y++) {
        int64_t plane = y / in[2], row = y % in[2] + rows;

        memcpy((*out)->data + (plane * shape[2] + row) * shape[3] + columns, input->data + y * in[3],
               (size_t)in[3] * sizeof(float));
    }
    return XAI_OK;
}

static xai_status take_image(xai__occlusion *o, const xai_session *session, xai_tensor *input)
{
    if (input == NULL)
        return xai__fail(XAI_E_INVALID, "input is NULL");
    if (wants_padding(o, session, input))
        return pad(&o->image, input, o->options.window_height / 2, o->options.window_width / 2, o->options.fill_value);
    o->image = xai_tensor_ref(input);
    return XAI_OK;
}

/* Made once and kept, a picture as large as the input: windows are copied out of it, whatever fills them. */
static xai_status make_baseline(xai__occlusion *o)
{
    const int64_t *shape = o->image->shape;
    double sigma = o->options.blur_sigma;
    char got[128], wanted[128];

    if (o->options.baseline != NULL) {
        const xai_tensor *given = o->options.baseline;

        if (given->rank != 4 || memcmp(given->shape, shape, 4 * sizeof *shape) != 0)
            return xai__fail(XAI_E_SHAPE, "the baseline is %s, expected %s",
                             xai__shape_text(got, sizeof got, given->shape, given->rank),
                             xai__shape_text(wanted, sizeof wanted, shape, 4));
        o->baseline = xai_tensor_ref((xai_tensor *)given);
        return XAI_OK;
    }
    if (strcmp(o->options.fill, "value") == 0)
        return xai__baseline_value(&o->baseline, o->image, o->options.fill_value);
    if (strcmp(o->options.fill, "mean") == 0)
        return xai__baseline_mean(&o->baseline, o->image);
    if (strcmp(o->options.fill, "blur") != 0)
        return xai__fail(XAI_E_NOT_FOUND, "windows cannot be filled with '%.40s'; there are value, mean, blur",
                         o->options.fill);
    if (sigma <= 0)
        sigma = (double)(shape[2] < shape[3] ? shape[2] : shape[3]) / BLUR_SHARE;
    return xai__baseline_blur(&o->baseline, o->image, sigma);
}

/* --- the public function --- */

/* Fewer windows than there are in all tell of a share or a stop; the computed share is 1 where nothing ran, for nothing
 * was saved. */
static xai_status finish_target(xai_attribution **out, const xai__occlusion *o, size_t target)
{
    xai_attribution *a = NULL;
    xai_status status = xai__scorer_attribution(&a, &o->scorer, target);

    if (status < 0)
        return status;
    a->method = "occlusion";
    a->profile = &o->profile->profile;
    a->is_signed = true;
    xai__attribution_note(a, "windows", (double)o->n_done);
    xai__attribution_note(a, "windows_in_all", (double)o->n_windows);
    xai__attribution_note(a, "computed_share", o->n_done > 0 ? o->work / (double)o->n_done : 1);
    status = xai__occlusion_map(&a->map, o, target);
    if (status < 0)
        xai_attribution_unref(a);
    else
        *out = a;
    return status;
}

/* Whatever fills windows, and however it was named, is the baseline. A share decides in which order windows are run. */
static xai_status begin_state(xai__occlusion *o)
{
    const xai_occlusion_options *options = &o->options;
    xai__facts facts = { .n = 0 };

    xai__facts_count(&facts, "window_height", options->window_height);
    xai__facts_count(&facts, "window_width", options->window_width);
    xai__facts_count(&facts, "stride_height", options->stride_height);
    xai__facts_count(&facts, "stride_width", options->stride_width);
    xai__facts_real(&facts, "share", options->share < 1 ? (double)options->share : 0);
    xai__facts_digest(&facts, "fill or baseline",
                      xai__hash(0, o->baseline->data, o->baseline->size * sizeof *o->baseline->data));
    return xai__state_begin(&o->state, options->state, &o->scorer, "occlusion", o->profile->profile.name, &facts);
}

static xai_status compute(xai_attribution **out, xai__occlusion *o)
{
    xai_status status = xai__occlusion_place(o), remark;

    if (status == XAI_OK)
        status = make_baseline(o);
    if (status == XAI_OK)
        status = begin_state(o);
    if (status < 0)
        return status;
    status = remark = xai__occlusion_run(o);
    for (size_t i = 0; i < o->scorer.targets.n && status >= 0; i++)
        status = finish_target(&out[i], o, i);
    return status < 0 ? status : remark;
}

/* Regions before the scorer, whose list of values says what they hold. */
static void clean_up(xai__occlusion *o)
{
    xai_context *context = o->scorer.context;

    xai__state_end(o->state);
    xai__occlusion_close_regions(o);
    xai__free(context, o->scores);
    xai__free(context, o->order);
    xai__free(context, o->place);
    xai__free(context, o->cells);
    xai__free(context, o->ranks);
    xai__free(context, o->scales);
    xai__scorer_fini(&o->scorer);
    xai_tensor_unref(o->baseline);
    xai_tensor_unref(o->image);
}

/* Whole pictures and parts of them have the same bits only in plans for windows, so both run these, whatever the
 * session is for; only who asks for whole pictures gets the session's own plan. */
static xai_status explain(xai_attribution **out, xai__occlusion *o, xai_session *session, const xai_target *targets,
                          size_t n_targets)
{
    bool is_whole = (o->options.flags & XAI_OCCLUSION_WHOLE) != 0;
    xai_status status = (is_whole ? xai__scorer_init : xai__scorer_init_windowed)(
        &o->scorer, session, o->options.black_box, o->image, targets, n_targets, XAI_SCORE_LOGIT);

    return status == XAI_OK ? compute(out, o) : status;
}

xai_status xai_occlusion_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                 const xai_target *targets, size_t n_targets, const xai_occlusion_options *options)
{
    xai__occlusion o = { 0 };
    xai_status status;

    xai__enter();
    xai__attributions_empty(out, n_targets);
    if (out == NULL)
        return xai__fail(XAI_E_INVALID, "out is NULL");
    status = read_options(&o, options);
    if (status == XAI_OK)
        status = take_image(&o, session, (xai_tensor *)input);
    if (status == XAI_OK)
        status = explain(out, &o, session, targets, n_targets);
    if (status < 0)
        xai__attributions_drop(out, n_targets > 0 ? n_targets : 1);
    clean_up(&o);
    return status;
}
