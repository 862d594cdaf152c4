/* SPDX-License-Identifier: MIT
 * From picture to tensor: resize, crop, scale, subtract the mean, divide by the standard deviation. */
#include "core/error.h"
#include "core/tensor.h"
#include "io/resample.h"
#include "model/model.h"

static xai_status check(const void *out, const xai_model *model, const xai_image *image)
{
    if (out == NULL || model == NULL || image == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : model == NULL ? "model" : "image");
    return XAI_OK;
}

static xai_status crop(xai_image **out, const xai_model *model, const xai_image *image)
{
    const xai__preparation *p = &model->preparation;

    return xai__image_resize_crop(out, image, p->resize, p->crop_height, p->crop_width, p->filter);
}

xai_status xai_model_crop(xai_image **out, const xai_model *model, const xai_image *image)
{
    xai_status status;

    XAI__ENTER(out);
    status = check(out, model, image);
    return status < 0 ? status : crop(out, model, image);
}

/* 256 values are all there are, so each channel is a table. */
static void fill_channel(float *out, const uint8_t *pixels, size_t n, const xai__preparation *p, size_t channel)
{
    float table[256];
    size_t from = p->is_bgr ? 2 - channel : channel;

    for (int i = 0; i < 256; i++) {
        /* Three roundings, in the order of torchvision's ToTensor and Normalize: a fused form would differ in bits. */
        float scaled = (float)i * p->scale;
        float centred = scaled - p->mean[channel];

        table[i] = centred / p->std[channel];
    }
    for (size_t i = 0; i < n; i++)
        out[i] = table[pixels[3 * i + from]];
}

xai_status xai_model_prepare(xai_tensor **out, const xai_model *model, const xai_image *image)
{
    const int64_t *input;
    xai_image *cropped = NULL;
    xai_tensor *tensor = NULL;
    xai_status status;

    XAI__ENTER(out);
    status = check(out, model, image);
    if (status == XAI_OK)
        status = crop(&cropped, model, image);
    if (status < 0)
        return status;
    input = model->graph.values[model->graph.input].shape;
    status = xai__tensor_create(&tensor, model->object.context, input, 4);
    if (status == XAI_OK) {
        size_t n = (size_t)input[2] * (size_t)input[3];

        for (size_t channel = 0; channel < 3; channel++)
            fill_channel(tensor->data + channel * n, cropped->pixels, n, &model->preparation, channel);
        *out = tensor;
    }
    xai_image_unref(cropped);
    return status;
}
