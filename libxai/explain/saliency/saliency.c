/* SPDX-License-Identifier: MIT
 * Gradient saliency: methods, profiles, options. */
#include <xai/saliency.h>

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/text.h"
#include "explain/saliency/saliency.h"
#include "ops/op.h"

enum { DEFAULT_STEPS = 50 };

/* Gradients are left as they are: their signs and sizes are what is looked at. Captum and the default differ in what
 * each method does, not in how maps are scaled. */
static const xai__profile profiles[] = {
    { .name = "default", .is_raw = true },
    { .name = "captum", .is_raw = true },
    { .name = "pytorch-grad-cam", .is_raw = true },
};

enum { N_PROFILES = sizeof profiles / sizeof *profiles, N_COMMON_PROFILES = 2 };

/* --- methods --- */

/* x g: to first order what each pixel adds to the score above that of an input of zeros. */
static void multiply_by_input(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                              const double *squares)
{
    for (size_t i = 0; i < s->n_elements; i++)
        sum[i] *= s->input->data[i];
}

static const xai__saliency_method methods[] = {
    { .name = "saliency", .reduction = XAI__LARGEST_CHANNEL },
    { .name = "inputxgrad", .is_signed = true, .end = multiply_by_input },
    { .name = "guided", .relu_rule = XAI__RELU_GUIDED, .is_signed = true },
    { .name = "deconvnet", .relu_rule = XAI__RELU_DECONVNET, .is_signed = true },
    { .name = "guided-gradcam",
      .relu_rule = XAI__RELU_GUIDED,
      .is_signed = true,
      .needs = XAI__SALIENCY_LAYER,
      .begin = xai__saliency_begin_guided,
      .end = xai__saliency_end_guided },
    { .name = "ig",
      .is_signed = true,
      .needs = XAI__SALIENCY_PATH,
      .begin = xai__saliency_begin_path,
      .point = xai__saliency_path_point,
      .end = xai__saliency_end_path },
    { .name = "smoothgrad",
      .is_signed = true,
      .needs = XAI__SALIENCY_NOISE,
      .begin = xai__saliency_begin_noise,
      .point = xai__saliency_noise_point,
      .end = xai__saliency_end_mean },
    { .name = "smoothgrad-sq",
      .has_squares = true,
      .needs = XAI__SALIENCY_NOISE,
      .begin = xai__saliency_begin_noise,
      .point = xai__saliency_noise_point,
      .end = xai__saliency_end_mean_square },
    { .name = "vargrad",
      .has_squares = true,
      .needs = XAI__SALIENCY_NOISE,
      .begin = xai__saliency_begin_noise,
      .point = xai__saliency_noise_point,
      .end = xai__saliency_end_variance },
};

enum { N_METHODS = sizeof methods / sizeof *methods };

/* --- options --- */

static xai_status find_method(const xai__saliency_method **out, xai_context *context, const char *name)
{
    xai__text names;
    xai_status status;

    for (size_t i = 0; i < N_METHODS; i++)
        if (strcmp(methods[i].name, name) == 0) {
            *out = &methods[i];
            return XAI_OK;
        }
    xai__text_init(&names, context);
    for (size_t i = 0; i < N_METHODS; i++)
        xai__text_add(&names, "%s%s", i > 0 ? ", " : "", methods[i].name);
    status = xai__fail(XAI_E_NOT_FOUND, "there is no method '%.40s'; there are %s", name, xai__text_get(&names));
    xai__text_fini(&names);
    return status;
}

static xai_status find_profile(const xai__profile **out, const xai__saliency_method *method, const char *name)
{
    size_t n = (method->needs & XAI__SALIENCY_LAYER) != 0 ? N_PROFILES : N_COMMON_PROFILES;

    for (size_t i = 0; i < n; i++)
        if (strcmp(profiles[i].name, name) == 0) {
            *out = &profiles[i];
            return XAI_OK;
        }
    return xai__fail(XAI_E_NOT_FOUND, "method %s has no profile '%.40s'; it has default, captum%s", method->name, name,
                     n > N_COMMON_PROFILES ? ", pytorch-grad-cam" : "");
}

/* What only some methods have, and whether it is given. */
static xai_status check_needs(const xai__saliency_method *method, const xai_saliency_options *o)
{
    const struct {
        const char *name;
        bool given;
        uint32_t need;
    } rows[] = {
        { "baseline", o->baseline != NULL, XAI__SALIENCY_PATH },
        { "baseline_value", o->baseline_value != 0, XAI__SALIENCY_PATH },
        { "quadrature", o->quadrature != NULL, XAI__SALIENCY_PATH },
        { "n_steps", o->n_steps != 0, XAI__SALIENCY_PATH },
        { "noise", o->noise != NULL, XAI__SALIENCY_NOISE },
        { "sigma", o->sigma != 0, XAI__SALIENCY_NOISE },
        { "n_samples", o->n_samples != 0, XAI__SALIENCY_NOISE },
        { "layer", o->layer != NULL, XAI__SALIENCY_LAYER },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].given && (method->needs & rows[i].need) == 0)
            return xai__fail(XAI_E_INVALID, "method %s has no option %s", method->name, rows[i].name);
    return XAI_OK;
}

static xai_status check_values(const xai_saliency_options *o)
{
    if (o->reserved != 0 || (o->flags & ~(uint32_t)XAI_SALIENCY_KEEP_CHANNELS) != 0)
        return xai__fail(XAI_E_INVALID, "flags are %u, reserved is %u", o->flags, o->reserved);
    if (!isfinite(o->baseline_value))
        return xai__fail(XAI_E_INVALID, "baseline_value is %g, expected a finite number", (double)o->baseline_value);
    if (!isfinite(o->sigma) || o->sigma < 0)
        return xai__fail(XAI_E_INVALID, "sigma is %g, expected a number from 0 on", (double)o->sigma);
    if (o->baseline != NULL && o->baseline_value != 0)
        return xai__fail(XAI_E_INVALID, "both baseline and baseline_value %g are given", (double)o->baseline_value);
    if (o->noise != NULL && (o->sigma != 0 || o->n_samples != 0))
        return xai__fail(XAI_E_INVALID, "noise is given, and sigma or n_samples too");
    return XAI_OK;
}

/* Names first, since which options there may be depends on the method; defaults last, since zeros say what was left
 * out. */
static xai_status read_options(xai__saliency *s, const xai_saliency_options *options)
{
    xai_saliency_options *o = &s->options;
    xai_status status = XAI__OPTIONS_READ(o, options);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&s->run, o->run);
    if (status == XAI_OK)
        status = find_method(&s->method, s->session->object.context, o->method != NULL ? o->method : "saliency");
    if (status == XAI_OK)
        status = find_profile(&s->profile, s->method, o->profile != NULL ? o->profile : "default");
    if (status == XAI_OK)
        status = check_needs(s->method, o);
    if (status == XAI_OK)
        status = check_values(o);
    if (o->n_steps == 0)
        o->n_steps = DEFAULT_STEPS;
    if (o->quadrature == NULL)
        o->quadrature = "gausslegendre";
    return status;
}

/* --- the public function --- */

/* Runs that differentiate one value each; a stop is a remark about all. Each run begins with a copy of the options and
 * frees what it makes, so that none sees what another left. */
static xai_status explain(xai_attribution **out, const xai__saliency *s, const xai__targets *targets)
{
    xai_status status = XAI_OK, remark = XAI_OK;

    for (size_t first = 0, next; first < targets->n && status >= 0; first = next) {
        xai__saliency part = *s;

        next = xai__targets_share(&part.targets, targets, first);
        status = xai__saliency_run(out + first, &part);
        remark = status > 0 ? status : remark;
    }
    if (status < 0)
        xai__attributions_drop(out, targets->n);
    return status < 0 ? status : remark;
}

static xai_status check_arguments(xai_attribution **out, const xai_session *session, const xai_tensor *input,
                                  const xai_target *targets, size_t n_targets)
{
    const char *missing = out == NULL                          ? "out"
                          : session == NULL                    ? "session"
                          : input == NULL                      ? "input"
                          : (targets == NULL && n_targets > 0) ? "targets"
                                                               : NULL;

    return missing != NULL ? xai__fail(XAI_E_INVALID, "%s is NULL", missing) : XAI_OK;
}

xai_status xai_saliency_compute(xai_attribution **out, xai_session *session, const xai_tensor *input,
                                const xai_target *targets, size_t n_targets, const xai_saliency_options *options)
{
    xai__saliency s = { .session = session, .input = input };
    xai__targets list;
    xai_status status;

    xai__enter();
    xai__attributions_empty(out, n_targets);
    status = check_arguments(out, session, input, targets, n_targets);
    if (status == XAI_OK)
        status = read_options(&s, options);
    if (status == XAI_OK)
        status = xai__attribution_check_input(session, input);
    if (status == XAI_OK)
        status = xai__targets_init(&list, session->model, targets, n_targets, XAI_SCORE_VALUE + 1);
    if (status < 0)
        return status;
    status = explain(out, &s, &list);
    xai__targets_fini(&list);
    return status;
}
