/* SPDX-License-Identifier: MIT
 * The weights that a network decides with, as a matrix: what hierarchies are induced from. */
#include "core/error.h"
#include "core/tensor.h"
#include "explain/classifier.h"
#include "model/model.h"

/* A row a class. Without the bias: nbdt clusters classes by what they look for, not by how often they occur. */
xai_status xai_model_class_weights(xai_tensor **out, const xai_model *model)
{
    xai__classifier classifier;
    int64_t shape[2];
    xai_tensor *rows = NULL;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || model == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "model");
    status = xai__classifier_of(&classifier, model, NULL);
    if (status < 0)
        return status;
    shape[0] = classifier.n_classes;
    shape[1] = classifier.n_inputs;
    status = xai__tensor_create(&rows, model->object.context, shape, 2);
    if (status < 0)
        return status;
    xai__constant_read(rows->data, &classifier.weights, 0, xai_tensor_size(rows));
    *out = rows;
    return XAI_OK;
}
