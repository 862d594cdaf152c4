/* SPDX-License-Identifier: MIT
 * Metrics that ask the network: the table, options, and the stream that all of them run. */
#include "explain/metric/metric_faithfulness.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/text.h"

enum { KNOWN_FLAGS = XAI_FAITHFULNESS_SCALED | XAI_FAITHFULNESS_TIMES_INPUT };

/* In the order of the bits. */
static const char *const profile_names[] = { "default",          "rise",  "torchcam", "xplique", "quantus",
                                             "pytorch-grad-cam", "captum" };

enum { N_PROFILES = sizeof profile_names / sizeof *profile_names };

#define CURVE  (XAI__METRIC_DEFAULT | XAI__METRIC_RISE | XAI__METRIC_TORCHCAM | XAI__METRIC_XPLIQUE)
#define MASK   (XAI__METRIC_DEFAULT | XAI__METRIC_TORCHCAM | XAI__METRIC_PYTORCH_GRAD_CAM | XAI__METRIC_XPLIQUE)
#define CAPTUM (XAI__METRIC_DEFAULT | XAI__METRIC_CAPTUM)
#define BOTH   (XAI__METRIC_DEFAULT | XAI__METRIC_QUANTUS)
#define ROAD   (XAI__METRIC_DEFAULT | XAI__METRIC_PYTORCH_GRAD_CAM)

#define STEPS (XAI__FAITHFULNESS_STEP_SIZE | XAI__FAITHFULNESS_N_STEPS)
#define COVER (XAI__FAITHFULNESS_SUBSTRATE | XAI__FAITHFULNESS_BASELINE)

static const xai__faithfulness_row rows[] = {
    { "deletion", xai__faithfulness_deletion, CURVE | XAI__METRIC_QUANTUS, XAI__METRIC_XPLIQUE | XAI__METRIC_QUANTUS,
      STEPS | COVER, XAI_SCORE_PROBABILITY },
    { "insertion", xai__faithfulness_insertion, CURVE, XAI__METRIC_XPLIQUE, STEPS | COVER, XAI_SCORE_PROBABILITY },
    { "average-drop", xai__faithfulness_drop, MASK, XAI__METRIC_XPLIQUE, 0, XAI_SCORE_PROBABILITY },
    { "increase-in-confidence", xai__faithfulness_increase, MASK, XAI__METRIC_XPLIQUE, 0, XAI_SCORE_PROBABILITY },
    { "average-gain", xai__faithfulness_gain, XAI__METRIC_DEFAULT | XAI__METRIC_XPLIQUE, XAI__METRIC_XPLIQUE, 0,
      XAI_SCORE_PROBABILITY },
    { "infidelity", xai__faithfulness_infidelity, CAPTUM, CAPTUM,
      XAI__FAITHFULNESS_SAMPLES | XAI__FAITHFULNESS_NOISE | XAI__FAITHFULNESS_FLAGS | XAI__FAITHFULNESS_BASELINE,
      XAI_SCORE_LOGIT },
    { "completeness", xai__faithfulness_completeness, CAPTUM, CAPTUM, COVER, XAI_SCORE_LOGIT },
    { "faithfulness-estimate", xai__faithfulness_estimate, BOTH, XAI__METRIC_QUANTUS, STEPS | COVER,
      XAI_SCORE_PROBABILITY },
    { "faithfulness-correlation", xai__faithfulness_correlation, BOTH, XAI__METRIC_QUANTUS,
      XAI__FAITHFULNESS_STEP_SIZE | XAI__FAITHFULNESS_SAMPLES | COVER, XAI_SCORE_PROBABILITY },
    { "monotonicity", xai__faithfulness_monotonicity, XAI__METRIC_DEFAULT, 0, STEPS | COVER, XAI_SCORE_PROBABILITY },
    { "monotonicity-correlation", xai__faithfulness_monotonicity_correlation, BOTH, XAI__METRIC_QUANTUS,
      STEPS | XAI__FAITHFULNESS_SAMPLES, XAI_SCORE_PROBABILITY },
    { "selectivity", xai__faithfulness_selectivity, BOTH, XAI__METRIC_QUANTUS,
      XAI__FAITHFULNESS_N_STEPS | XAI__FAITHFULNESS_PATCH | COVER, XAI_SCORE_PROBABILITY },
    { "region-perturbation", xai__faithfulness_region_perturbation, BOTH, XAI__METRIC_QUANTUS,
      XAI__FAITHFULNESS_N_STEPS | XAI__FAITHFULNESS_PATCH | COVER, XAI_SCORE_PROBABILITY },
    { "irof", xai__faithfulness_irof, BOTH, XAI__METRIC_QUANTUS,
      XAI__FAITHFULNESS_N_STEPS | XAI__FAITHFULNESS_SEGMENTS | COVER, XAI_SCORE_PROBABILITY },
    { "road", xai__faithfulness_road, ROAD, 0, XAI__FAITHFULNESS_NOISE, XAI_SCORE_PROBABILITY },
    { "road-most", xai__faithfulness_road_most, ROAD | XAI__METRIC_QUANTUS, 0, XAI__FAITHFULNESS_NOISE,
      XAI_SCORE_PROBABILITY },
    { "road-least", xai__faithfulness_road_least, ROAD, 0, XAI__FAITHFULNESS_NOISE, XAI_SCORE_PROBABILITY },
};

enum { N_ROWS = sizeof rows / sizeof *rows };

/* --- options --- */

static xai_status find_row(const xai__faithfulness_row **out, xai_context *context, const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *out = &rows[i];
            return XAI_OK;
        }
    return xai__metric_unknown(context, "metric of faithfulness", name, &rows[0].name, N_ROWS, sizeof *rows);
}

/* The message lists the metric's own profiles, not those of all metrics. */
static xai_status find_profile(xai__faithfulness *f)
{
    const char *names[N_PROFILES], *name = f->options.profile != NULL ? f->options.profile : "default";
    size_t n = 0;

    for (size_t i = 0; i < N_PROFILES; i++) {
        uint32_t bit = 1u << i;

        if ((f->row->profiles & bit) == 0)
            continue;
        names[n++] = profile_names[i];
        if (strcmp(profile_names[i], name) == 0)
            f->profile = bit;
    }
    return f->profile != 0 ? XAI_OK : xai__metric_unknown(f->context, "profile", name, names, n, sizeof *names);
}

/* What only some metrics have, and whether it is given. */
static xai_status check_needs(const xai__faithfulness_row *row, const xai_faithfulness_options *o)
{
    const struct {
        const char *name;
        bool given;
        uint32_t need;
    } options[] = {
        { "step", o->step != 0, XAI__FAITHFULNESS_STEP_SIZE },
        { "n_steps", o->n_steps != 0, XAI__FAITHFULNESS_N_STEPS },
        { "substrate", o->substrate != NULL, XAI__FAITHFULNESS_SUBSTRATE },
        { "baseline", o->baseline != NULL, XAI__FAITHFULNESS_BASELINE },
        { "perturbations", o->perturbations != NULL, XAI__FAITHFULNESS_NOISE },
        { "sigma", o->sigma != 0, XAI__FAITHFULNESS_NOISE },
        { "n_samples", o->n_samples != 0, XAI__FAITHFULNESS_SAMPLES },
        { "flags", o->flags != 0, XAI__FAITHFULNESS_FLAGS },
        { "segments", o->segments != NULL, XAI__FAITHFULNESS_SEGMENTS },
        { "patch", o->patch != 0, XAI__FAITHFULNESS_PATCH },
    };

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (options[i].given && (row->needs & options[i].need) == 0)
            return xai__fail(XAI_E_INVALID, "metric %s has no option %s", row->name, options[i].name);
    return XAI_OK;
}

static xai_status check_values(const xai_faithfulness_options *o)
{
    if (o->reserved != 0 || o->reserved_2 != 0 || (o->flags & ~(uint32_t)KNOWN_FLAGS) != 0)
        return xai__fail(XAI_E_INVALID, "flags are %u, reserved are %u and %u", o->flags, o->reserved, o->reserved_2);
    if (!isfinite(o->sigma) || o->sigma < 0)
        return xai__fail(XAI_E_INVALID, "sigma is %g", (double)o->sigma);
    if (o->step != 0 && o->n_steps != 0)
        return xai__fail(XAI_E_INVALID, "both step %u and n_steps %u are given", o->step, o->n_steps);
    if (o->substrate != NULL && o->baseline != NULL)
        return xai__fail(XAI_E_INVALID, "both a baseline and substrate %s are given", o->substrate);
    if (o->perturbations != NULL && (o->sigma != 0 || o->n_samples != 0))
        return xai__fail(XAI_E_INVALID, "perturbations are given, and sigma or n_samples too");
    return XAI_OK;
}

static xai_status read_options(xai__faithfulness *f, const char *metric, const xai_faithfulness_options *options)
{
    xai_status status = XAI__OPTIONS_READ(&f->options, options);

    if (status == XAI_OK)
        status = XAI__OPTIONS_READ(&f->run, f->options.run);
    if (status == XAI_OK)
        status = find_row(&f->row, f->context, metric);
    if (status == XAI_OK)
        status = find_profile(f);
    if (status == XAI_OK)
        status = check_needs(f->row, &f->options);
    return status == XAI_OK ? check_values(&f->options) : status;
}

/* --- shapes --- */

/* A map with channels is refused where the profile would have to guess what they mean together. */
static xai_status check_map(const xai__faithfulness *f, const xai_tensor *input, const xai_tensor *map)
{
    const int64_t *wanted = input->shape + 1;
    bool is_flat = map->rank == 2, keeps = map->rank == 3 && (f->row->keeps_channels & f->profile) != 0;
    char got[128], expected[128];

    if ((is_flat && memcmp(map->shape, wanted + 1, 2 * sizeof *wanted) == 0) ||
        (keeps && memcmp(map->shape, wanted, 3 * sizeof *wanted) == 0))
        return XAI_OK;
    return xai__fail(XAI_E_SHAPE, "the map is %s, metric %s takes %lldx%lld%s%s of this input",
                     xai__shape_text(got, sizeof got, map->shape, map->rank), f->row->name, (long long)wanted[1],
                     (long long)wanted[2], (f->row->keeps_channels & f->profile) != 0 ? " or " : "",
                     (f->row->keeps_channels & f->profile) != 0 ? xai__shape_text(expected, sizeof expected, wanted, 3)
                                                                : "");
}

static xai_status check_tensors(const xai__faithfulness *f, const xai_tensor *input)
{
    const xai_tensor *baseline = f->options.baseline, *noise = f->options.perturbations;
    char got[128], expected[128];

    if (baseline != NULL &&
        (baseline->rank != 4 || memcmp(baseline->shape, input->shape, sizeof *input->shape * 4) != 0))
        return xai__fail(XAI_E_SHAPE, "the baseline is %s, the input %s",
                         xai__shape_text(got, sizeof got, baseline->shape, baseline->rank),
                         xai__shape_text(expected, sizeof expected, input->shape, 4));
    if (noise != NULL && (noise->rank != 4 || noise->shape[0] < 1 ||
                          memcmp(noise->shape + 1, input->shape + 1, 3 * sizeof *input->shape) != 0))
        return xai__fail(XAI_E_SHAPE, "the perturbations are %s, expected Nx%s with N >= 1",
                         xai__shape_text(got, sizeof got, noise->shape, noise->rank),
                         xai__shape_text(expected, sizeof expected, input->shape + 1, 3));
    return XAI_OK;
}

/* --- the stream --- */

static xai_status keep_score(void *user, uint64_t index, const double *scores, const void *note)
{
    xai__faithfulness *f = user;

    f->scores[index] = scores[0];
    memcpy(&f->notes[index], note, sizeof *f->notes);
    return XAI_OK;
}

xai_status xai__faithfulness_curve(xai_tensor **curve, const xai__faithfulness *f,
                                   double (*share)(const xai__faithfulness *f, size_t index))
{
    const int64_t shape[2] = { 2, (int64_t)f->n_done };
    xai_status status = xai__tensor_create(curve, f->context, shape, 2);

    for (size_t i = 0; i < f->n_done && status == XAI_OK; i++) {
        (*curve)->data[i] = (float)share(f, i);
        (*curve)->data[f->n_done + i] = (float)f->scores[i];
    }
    return status;
}

void xai__faithfulness_range(float *low, float *high, const xai__faithfulness *f)
{
    *low = *high = f->input[0];
    for (size_t i = 1; i < f->n_elements; i++) {
        *low = f->input[i] < *low ? f->input[i] : *low;
        *high = f->input[i] > *high ? f->input[i] : *high;
    }
}

xai_status xai__faithfulness_run(xai__faithfulness *f, size_t n,
                                 void (*make)(void *user, uint64_t index, float *image, void *note))
{
    const xai__perturbation stream = {
        .count = n, .make = make, .take = keep_score, .user = f, .note_size = sizeof *f->notes, .run = &f->run
    };
    uint64_t n_done = 0;
    xai_status status;

    f->scores = xai__alloc_array(f->context, n, sizeof *f->scores);
    f->notes = f->scores != NULL ? xai__alloc_array(f->context, n, sizeof *f->notes) : NULL;
    if (f->notes == NULL)
        return XAI_E_NO_MEMORY;
    status = xai__perturb_run(&n_done, &f->scorer, &stream);
    f->n_done = (size_t)n_done;
    return status;
}

xai_status xai__faithfulness_ask_for_top(xai__faithfulness *f)
{
    xai_target *target = &f->scorer.targets.items[0];

    if (target->score != XAI_SCORE_LOGIT && target->score != XAI_SCORE_PROBABILITY)
        return xai__fail(XAI_E_INVALID, "metric %s asks whether a class is the top one, the target is none",
                         f->row->name);
    target->score = XAI__SCORE_IS_TOP;
    return XAI_OK;
}

/* --- the public function --- */

/* The scorer is first: it checks the input, whose shape everything else is compared with. */
static xai_status prepare(xai__faithfulness *f, xai_session *session, const xai_tensor *input, const xai_tensor *map,
                          const xai_target *target)
{
    xai_status status = xai__scorer_init(&f->scorer, session, f->options.black_box, input, target, target != NULL,
                                         f->row->top_score),
               remark;

    if (status == XAI_OK)
        status = check_map(f, input, map);
    if (status == XAI_OK)
        status = check_tensors(f, input);
    if (status < 0)
        return status;
    f->input = input->data;
    f->n_elements = input->size;
    f->n_channels = (size_t)input->shape[1];
    f->n_pixels = f->n_elements / f->n_channels;
    f->n_values = map->size;
    remark = xai__metric_read(&f->values, f->context, map, XAI__READ_AS_IS);
    return remark;
}

static void clean_up(xai__faithfulness *f)
{
    void *const blocks[] = { f->values, f->substrate, f->position, f->scores, f->notes };

    xai__scorer_fini(&f->scorer);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        xai__free(f->context, blocks[i]);
}

/* A curve that nobody wants is made all the same: the area is computed from it. */
static xai_status run(double *out, xai_tensor **curve, xai__faithfulness *f, xai_session *session,
                      const xai_tensor *input, const xai_tensor *map, const xai_target *target)
{
    xai_tensor *made = NULL;
    xai_status remark = prepare(f, session, input, map, target), status = remark;

    if (remark >= 0)
        status = f->row->measure(out, &made, f);
    if (status < 0)
        *out = 0;
    if (status >= 0 && curve != NULL)
        *curve = made;
    else
        xai_tensor_unref(made);
    return status != XAI_OK ? status : remark;
}

xai_status xai_metric_faithfulness(double *out, xai_tensor **curve, xai_session *session, const xai_tensor *input,
                                   const xai_tensor *map, const xai_target *target, const char *metric,
                                   const xai_faithfulness_options *options)
{
    const char *missing = out == NULL      ? "out"
                          : input == NULL  ? "input"
                          : map == NULL    ? "map"
                          : metric == NULL ? "metric"
                                           : NULL;
    xai__faithfulness f = { NULL };
    xai_status status;

    XAI__ENTER(curve);
    if (missing != NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", missing);
    *out = 0;
    f.context = input->object.context;
    status = read_options(&f, metric, options);
    if (status < 0)
        return status;
    status = run(out, curve, &f, session, input, map, target);
    clean_up(&f);
    return status;
}
