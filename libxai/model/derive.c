/* SPDX-License-Identifier: MIT
 * Models that begin as another one does. */
#include "core/memory.h"
#include "model/labels.h"

static xai_status copy_text(char **out, xai_context *context, const char *text)
{
    if (text == NULL)
        return XAI_OK;
    *out = xai__strdup(context, text);
    return *out != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* The classifier is left out: what comes behind it decides. */
static xai_status fill(xai_model *model, const char *architecture)
{
    xai_context *context = model->object.context;
    const xai_model *base = model->base;
    xai_status status = copy_text(&model->architecture, context, architecture);

    model->preparation = base->preparation;
    if (status == XAI_OK)
        status = copy_text(&model->cam_layer, context, base->cam_layer);
    if (status == XAI_OK)
        status = copy_text(&model->tutorial_layer, context, base->tutorial_layer);
    if (status == XAI_OK)
        status = copy_text(&model->hierarchy, context, base->hierarchy);
    if (status == XAI_OK)
        status = xai__labels_copy(&model->labels, context, &base->labels);
    return status == XAI_OK ? xai__graph_copy(&model->graph, &base->graph) : status;
}

xai_status xai__model_derive(xai_model **out, xai_model *base, const char *architecture)
{
    xai_model *model = NULL;
    xai_status status = xai__model_create(&model, base->object.context);

    if (status < 0)
        return status;
    model->base = xai_model_ref(base); /* the copy's constants are the base's own memory */
    status = fill(model, architecture);
    if (status < 0)
        xai_model_unref(model);
    else
        *out = model;
    return status;
}
