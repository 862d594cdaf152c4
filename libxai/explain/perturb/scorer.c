/* SPDX-License-Identifier: MIT
 * Scorers: what methods that only look at answers ask, a session or a black box. */
#include "explain/perturb/scorer.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"

/* A row of scores is kept for each image of a batch, so a slip in n_classes would be memory. The budget is a session's
 * default: a black box says nothing of what it needs itself. */
enum { MAX_CLASSES = 1 << 20, DEFAULT_BUDGET = 256 << 20 };

/* --- what is asked --- */

static xai_status check_black_box(const xai_black_box *box)
{
    bool any_shape = box->shape[0] == 0 && box->shape[1] == 0 && box->shape[2] == 0;

    if (box->predict == NULL)
        return xai__fail(XAI_E_INVALID, "the black box has no predict callback");
    if (box->n_classes < 1 || box->n_classes > MAX_CLASSES)
        return xai__fail(XAI_E_INVALID, "the black box has %llu classes, expected 1 to %d",
                         (unsigned long long)box->n_classes, MAX_CLASSES);
    if (box->kind > XAI_PREDICT_PROBABILITIES || box->reserved != 0)
        return xai__fail(XAI_E_INVALID, "the black box's kind is %u, reserved is %u", box->kind, box->reserved);
    if (!any_shape && (box->shape[0] < 1 || box->shape[1] < 1 || box->shape[2] < 1))
        return xai__fail(XAI_E_INVALID, "the black box takes %lldx%lldx%lld", (long long)box->shape[0],
                         (long long)box->shape[1], (long long)box->shape[2]);
    return XAI_OK;
}

/* A session knows what it takes; of a black box only what it says is known. */
static xai_status check_input(const xai__scorer *s)
{
    const xai_tensor *input = s->input;
    char got[128], wanted[128];

    if (s->session != NULL)
        return xai__attribution_check_input(s->session, input);
    xai__shape_text(got, sizeof got, input->shape, input->rank);
    if (input->rank != 4 || input->shape[0] != 1 || input->size == 0)
        return xai__fail(XAI_E_SHAPE, "one image, 1xCxHxW, is explained at a time, got %s", got);
    if (s->box.shape[0] != 0 && memcmp(input->shape + 1, s->box.shape, sizeof s->box.shape) != 0)
        return xai__fail(XAI_E_SHAPE, "the black box takes 1x%s, got %s",
                         xai__shape_text(wanted, sizeof wanted, s->box.shape, 3), got);
    return XAI_OK;
}

/* Exactly one of the two. The black box is copied, so that the caller's struct may end with the call. */
static xai_status read_source(xai__scorer *s, const xai_black_box *box)
{
    xai_status status;

    if ((s->session == NULL) == (box == NULL))
        return xai__fail(XAI_E_INVALID, "%s",
                         box == NULL ? "session is NULL, and there is no black box"
                                     : "there are both a session and a black box");
    if (box == NULL) {
        s->gives_probabilities = s->session->model->gives_probabilities;
        return XAI_OK;
    }
    status = XAI__OPTIONS_READ(&s->box, box);
    if (status == XAI_OK)
        status = check_black_box(&s->box);
    s->gives_probabilities = s->box.kind == XAI_PREDICT_PROBABILITIES;
    return status;
}

/* A black box has classes and no named values. */
static xai_status read_targets(xai__scorer *s, const xai_target *targets, size_t n_targets, uint32_t top_score)
{
    const xai_target top = { .index = -1, .score = top_score };

    if (targets == NULL && n_targets > 0)
        return xai__fail(XAI_E_INVALID, "targets is NULL");
    if (n_targets == 0) {
        targets = &top;
        n_targets = 1;
    }
    if (s->session != NULL)
        return xai__targets_init(&s->targets, s->session->model, targets, n_targets, XAI_SCORE_VALUE + 1);
    return xai__targets_init_classes(&s->targets, s->context, (int64_t)s->box.n_classes, targets, n_targets);
}

/* Targets that are functions of one value share its fetch. */
static xai_status list_values(xai__scorer *s)
{
    const xai__targets *targets = &s->targets;

    s->values = xai__alloc_array(s->context, targets->n, sizeof *s->values);
    s->value_of = xai__alloc_array(s->context, targets->n, sizeof *s->value_of);
    s->plain = xai__zalloc_array(s->context, targets->n, sizeof(xai_tensor *));
    s->plain_scores = xai__alloc_array(s->context, targets->n, sizeof *s->plain_scores);
    if (s->values == NULL || s->value_of == NULL || s->plain == NULL || s->plain_scores == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < targets->n; i++) {
        size_t at = 0;

        while (at < s->n_values && s->values[at] != targets->values[i])
            at++;
        s->value_of[i] = at;
        s->values[at] = targets->values[i];
        s->n_values += at == s->n_values;
    }
    return XAI_OK;
}

/* --- asking --- */

/* The whole row is checked, not only the classes explained: softmax reads all. */
static xai_status predict(xai_tensor **out, const xai__scorer *s, const xai_tensor *images)
{
    const int64_t shape[2] = { images->shape[0], (int64_t)s->box.n_classes };
    xai_tensor *scores = NULL;
    xai_status status = xai__tensor_create(&scores, s->context, shape, 2);
    int32_t answer;

    if (status < 0)
        return status;
    for (size_t i = 0; i < scores->size; i++)
        scores->data[i] = NAN; /* so that what the callback leaves out is noticed */
    answer = s->box.predict(images->data, (size_t)shape[0], scores->data, s->box.user);
    if (answer != 0)
        status = xai__fail(XAI_E_CALLBACK, "the predict callback returned %d", answer);
    for (size_t i = 0; i < scores->size && status == XAI_OK; i++)
        if (!isfinite(scores->data[i]))
            status = xai__fail(XAI_E_CALLBACK, "the predict callback gave %g for class %zu", (double)scores->data[i],
                               i % (size_t)shape[1]);
    if (status < 0)
        xai_tensor_unref(scores);
    else
        *out = scores;
    return status;
}

/* out: n_values new references, all NULL on failure. Hooks that only watch stay silent: a method asks thousands of
 * times. */
static xai_status ask(xai_tensor **out, const xai__scorer *s, const xai_tensor *images)
{
    xai__request request = {
        .fed = images, .fetches = s->values, .n_fetches = s->n_values, .is_windowed = s->is_windowed
    };

    if (s->session == NULL)
        return predict(out, s, images);
    request.feed = s->session->model->graph.input;
    return xai__session_run(out, s->session, &request);
}

/* Elements of a value, for one image. */
static size_t size_of(const xai__scorer *s, size_t value)
{
    return s->session != NULL ? s->session->model->graph.values[s->values[value]].size : (size_t)s->box.n_classes;
}

xai_status xai__scorer_read(double *scores, const xai__scorer *s, const float *const *elements, size_t n_images)
{
    for (size_t image = 0; image < n_images; image++)
        for (size_t t = 0; t < s->targets.n; t++) {
            size_t value = s->value_of[t], n = size_of(s, value);
            double score = xai__target_score_of(&s->targets.items[t], s->gives_probabilities,
                                                elements[value] + image * n, n);

            /* A logarithm of a probability of 0, say: no average would recover from it. */
            if (!isfinite(score))
                return xai__fail(XAI_E_INVALID, "the score of class %lld is %g", (long long)s->targets.items[t].index,
                                 score);
            scores[image * s->targets.n + t] = score;
        }
    return XAI_OK;
}

static xai_status read_tensors(double *scores, const xai__scorer *s, xai_tensor *const *elements, size_t n_images)
{
    const float **data = xai__alloc_array(s->context, s->n_values, sizeof *data);
    xai_status status;

    if (data == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < s->n_values; i++)
        data[i] = elements[i]->data;
    status = xai__scorer_read(scores, s, data, n_images);
    xai__free(s->context, data);
    return status;
}

xai_status xai__scorer_score(double *scores, const xai__scorer *s, const xai_tensor *images)
{
    xai_tensor **elements = xai__zalloc_array(s->context, s->n_values, sizeof(xai_tensor *));
    xai_status status = elements != NULL ? ask(elements, s, images) : XAI_E_NO_MEMORY;

    if (status == XAI_OK)
        status = read_tensors(scores, s, elements, (size_t)images->shape[0]);
    for (size_t i = 0; elements != NULL && i < s->n_values; i++)
        xai_tensor_unref(elements[i]);
    xai__free(s->context, elements);
    return status;
}

/* --- the image as it is --- */

/* Asked once, before any other: it tells which class is on top, and what a perturbed image's score is compared with. */
static xai_status look(xai__scorer *s)
{
    xai_status status = ask(s->plain, s, s->input);

    if (status < 0)
        return status;
    for (size_t t = 0; t < s->targets.n; t++)
        xai__target_resolve(&s->targets.items[t], s->plain[s->value_of[t]]->data, s->plain[s->value_of[t]]->size);
    return read_tensors(s->plain_scores, s, s->plain, 1);
}

/* Beside session, input and is_windowed, out is zero. */
static xai_status init(xai__scorer *out, const xai_black_box *box, const xai_target *targets, size_t n_targets,
                       uint32_t top_score)
{
    xai_status status;

    if (out->input == NULL)
        return xai__fail(XAI_E_INVALID, "input is NULL");
    out->context = out->targets.context = out->input->object.context;
    status = read_source(out, box);
    if (status == XAI_OK)
        status = check_input(out);
    if (status == XAI_OK)
        status = read_targets(out, targets, n_targets, top_score);
    if (status == XAI_OK)
        status = list_values(out);
    return status < 0 ? status : look(out);
}

xai_status xai__scorer_init(xai__scorer *out, xai_session *session, const xai_black_box *box, const xai_tensor *input,
                            const xai_target *targets, size_t n_targets, uint32_t top_score)
{
    *out = (xai__scorer){ .session = session, .input = input };
    return init(out, box, targets, n_targets, top_score);
}

xai_status xai__scorer_init_windowed(xai__scorer *out, xai_session *session, const xai_black_box *box,
                                     const xai_tensor *input, const xai_target *targets, size_t n_targets,
                                     uint32_t top_score)
{
    *out = (xai__scorer){ .session = session, .input = input, .is_windowed = true };
    return init(out, box, targets, n_targets, top_score);
}

/* Takes what init left half done: all that was not reached is NULL. */
void xai__scorer_fini(xai__scorer *s)
{
    for (size_t i = 0; s->plain != NULL && i < s->n_values; i++)
        xai_tensor_unref(s->plain[i]);
    xai__free(s->context, s->values);
    xai__free(s->context, s->value_of);
    xai__free(s->context, s->plain);
    xai__free(s->context, s->plain_scores);
    xai__targets_fini(&s->targets);
}

/* What the image scored as it is was kept by look(), so a record costs no pass. */
xai_status xai__scorer_attribution(xai_attribution **out, const xai__scorer *s, size_t target)
{
    const xai_tensor *elements = s->plain[s->value_of[target]];
    const xai_target *item = &s->targets.items[target];
    xai_status status;

    if (s->session == NULL)
        return xai__attribution_create_black_box(out, s->input, s->gives_probabilities, elements->data, elements->size,
                                                 item);
    status = xai__attribution_create(out, s->session, s->input, elements->data, elements->size, item);
    if (status == XAI_OK && s->is_windowed)
        (*out)->purpose = XAI_PURPOSE_WINDOWED;
    return status;
}

uint64_t xai__scorer_budget(const xai__scorer *s)
{
    return s->session != NULL ? s->session->memory_budget : DEFAULT_BUDGET;
}
