/* SPDX-License-Identifier: MIT
 * Integrated gradients: gradients on the straight path from a baseline to the input. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "explain/saliency/quadrature.h"
#include "explain/saliency/saliency.h"

static xai_status fill_baseline(xai__saliency *s)
{
    const xai_tensor *given = s->options.baseline;
    char text[128], wanted[128];

    s->baseline = xai__alloc_array(s->input->object.context, s->n_elements, sizeof *s->baseline);
    if (s->baseline == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; given == NULL && i < s->n_elements; i++)
        s->baseline[i] = s->options.baseline_value;
    if (given == NULL)
        return XAI_OK;
    if (given->rank != 4 || memcmp(given->shape, s->input->shape, 4 * sizeof *given->shape) != 0)
        return xai__fail(XAI_E_SHAPE, "the baseline is %s, the input %s",
                         xai__shape_text(text, sizeof text, given->shape, given->rank),
                         xai__shape_text(wanted, sizeof wanted, s->input->shape, s->input->rank));
    memcpy(s->baseline, given->data, s->n_elements * sizeof *s->baseline);
    return XAI_OK;
}

/* IG(x) = (x - x0) * integral over a from 0 to 1 of dF/dx at x0 + a (x - x0), the integral as a weighted sum. */
xai_status xai__saliency_begin_path(xai__saliency *s)
{
    xai_context *context = s->input->object.context;
    xai_status status = fill_baseline(s);

    if (status < 0)
        return status;
    s->n_points = s->options.n_steps;
    s->nodes = xai__alloc_array(context, s->n_points, sizeof *s->nodes);
    s->weights = xai__alloc_array(context, s->n_points, sizeof *s->weights);
    if (s->nodes == NULL || s->weights == NULL)
        return XAI_E_NO_MEMORY;
    return xai__quadrature(s->nodes, s->weights, s->n_points, s->options.quadrature);
}

/* In float, as captum scales its inputs: at a = 1 the point is the input but for a rounding. */
void xai__saliency_path_point(const xai__saliency *s, size_t index, float *image)
{
    float along = (float)s->nodes[index];

    for (size_t i = 0; i < s->n_elements; i++)
        image[i] = s->baseline[i] + along * (s->input->data[i] - s->baseline[i]);
}

/* A path that was stopped halfway is scaled as if its other half were like the first. */
static double missing_weight(const xai__saliency *s)
{
    double all = 0;

    if (s->n_done == s->n_points || s->weight_done <= 0)
        return 1;
    for (size_t i = 0; i < s->n_points; i++)
        all += s->weights[i];
    return all / s->weight_done;
}

/* By completeness the map adds up to F(x) - F(x0); what is left of that is the error of the quadrature, and is told. */
void xai__saliency_end_path(const xai__saliency *s, xai_attribution *a, size_t target, double *sum,
                            const double *squares)
{
    const xai_target *item = &s->targets.items[target];
    const float *at_baseline = s->ends->data + s->n_value;
    double scale = missing_weight(s), total = 0;

    for (size_t i = 0; i < s->n_elements; i++) {
        sum[i] *= scale * ((double)s->input->data[i] - s->baseline[i]);
        total += sum[i];
    }
    xai__attribution_note(a, "steps", (double)s->n_done);
    xai__attribution_note(a, "score_at_baseline", xai__target_score(item, s->session->model, at_baseline, s->n_value));
    xai__attribution_note(a, "completeness_error",
                          total - (a->score - xai__target_score(item, s->session->model, at_baseline, s->n_value)));
}
