/* SPDX-License-Identifier: MIT
 * One forward pass for a class activation map, and the gradients of the layers where a method reads them. */
#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/cam/cam.h"

static xai_status allocate(xai__cam_pass *pass)
{
    xai_context *context = pass->cam->object.context;
    size_t n_targets = pass->targets->n, n_layers = pass->cam->n_layers, n;

    if (!xai__mul_size(&n, n_targets, n_layers))
        return xai__fail_memory();
    pass->activations = xai__zalloc_array(context, n_layers, sizeof *pass->activations);
    pass->elements = xai__zalloc_array(context, n_targets, sizeof *pass->elements);
    if (pass->cam->method->needs_gradients)
        pass->gradients = xai__zalloc_array(context, n, sizeof *pass->gradients);
    if (pass->activations == NULL || pass->elements == NULL ||
        (pass->cam->method->needs_gradients && pass->gradients == NULL))
        return XAI_E_NO_MEMORY;
    return XAI_OK;
}

static void unref_all(xai_tensor **tensors, size_t n, xai_context *context)
{
    for (size_t i = 0; tensors != NULL && i < n; i++)
        xai_tensor_unref(tensors[i]);
    xai__free(context, tensors);
}

void xai__cam_pass_free(xai__cam_pass *pass)
{
    xai_context *context = pass->cam->object.context;
    size_t n_targets = pass->targets->n, n_layers = pass->cam->n_layers;

    unref_all(pass->activations, n_layers, context);
    unref_all(pass->elements, n_targets, context);
    unref_all(pass->gradients, n_targets * n_layers, context);
}

/* fetched: the value that the targets of this part are functions of, then the layers. */
static void keep(xai__cam_pass *pass, const xai__targets *part, size_t first, xai_tensor *const *fetched)
{
    for (size_t i = 0; i < pass->cam->n_layers && first == 0; i++)
        pass->activations[i] = xai_tensor_ref(fetched[i + 1]);
    for (size_t i = 0; i < part->n; i++) {
        pass->elements[first + i] = xai_tensor_ref(fetched[0]);
        xai__target_resolve(&part->items[i], fetched[0]->data, fetched[0]->size);
    }
}

/* The layers are fetched with every part: usually there is one, and values that are computed anyway cost a copy. */
static xai_status run_part(xai__cam_pass *pass, xai__targets *part, size_t first, int32_t *fetches,
                           xai_tensor **fetched)
{
    const xai_cam *cam = pass->cam;
    const xai__backward backward = { .of = part->values[0],
                                     .wrt = cam->layers,
                                     .n_wrt = cam->n_layers,
                                     .n_targets = part->n,
                                     .seed = xai__targets_seed,
                                     .user = part,
                                     .out = pass->gradients != NULL ? pass->gradients + first * cam->n_layers : NULL };
    const xai__request request = { .feed = pass->layer != NULL ? cam->layers[0] : cam->session->model->graph.input,
                                   .fed = pass->layer != NULL ? pass->layer : pass->input,
                                   .fetches = fetches,
                                   .n_fetches = cam->n_layers + 1,
                                   .backward = pass->gradients != NULL ? &backward : NULL };
    xai_status status;

    fetches[0] = part->values[0];
    for (size_t i = 0; i < cam->n_layers; i++)
        fetches[i + 1] = cam->layers[i];
    status = xai__session_run(fetched, cam->session, &request);
    if (status == XAI_OK)
        keep(pass, part, first, fetched);
    for (size_t i = 0; i <= cam->n_layers; i++)
        xai_tensor_unref(fetched[i]);
    return status;
}

/* Targets of one value share a pass; usually that is all of them. Each part's gradients lie at out[target * n_layers +
 * layer], which is how the backward pass hands them out, so that parts only need the right place to begin. */
xai_status xai__cam_pass_run(xai__cam_pass *pass)
{
    xai__targets *targets = pass->targets;
    xai_context *context = pass->cam->object.context;
    size_t n = pass->cam->n_layers + 1;
    int32_t *fetches = xai__alloc_array(context, n, sizeof *fetches);
    xai_tensor **fetched = xai__alloc_array(context, n, sizeof(xai_tensor *));
    xai_status status;

    status = allocate(pass);
    if (fetches == NULL || fetched == NULL)
        status = XAI_E_NO_MEMORY;
    for (size_t first = 0, end; first < targets->n && status == XAI_OK; first = end) {
        xai__targets part;

        end = xai__targets_share(&part, targets, first);
        status = run_part(pass, &part, first, fetches, fetched);
    }
    xai__free(context, fetches);
    xai__free(context, fetched);
    return status;
}
