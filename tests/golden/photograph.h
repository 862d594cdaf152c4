/* SPDX-License-Identifier: MIT
 * The tutorial's photograph before a real ResNet-18, and the numbers that the originals gave for it. */
#ifndef XAI_GOLDEN_PHOTOGRAPH_H
#define XAI_GOLDEN_PHOTOGRAPH_H

#include "testing.h"

/* The two likeliest classes. */
enum { PHOTOGRAPH_PERSIAN_CAT = 283, PHOTOGRAPH_ANGORA = 332 };

/* The model, a session and the prepared photograph; context NULL where the data is absent. */
typedef struct photograph {
    xai_context *context;
    xai_model *model;
    xai_session *session;
    xai_image *image;
    xai_tensor *input;
} photograph;

static inline const char *photograph_weights(void)
{
    return testing_data("imagenet-resnet18-pq/resnet18.safetensors");
}

static inline photograph photograph_begin(const char *backends, uint32_t n_threads)
{
    static const char picture[] = "tutorial/catdog.jpg";
    xai_context_options options = { .struct_size = sizeof options, .backends = backends, .n_threads = n_threads };
    photograph p = { NULL };

    if (photograph_weights() == NULL || testing_data(picture) == NULL)
        return p;
    ck_assert_ok(xai_context_create(&p.context, &options));
    ck_assert_ok(xai_model_build(&p.model, p.context, "resnet18", photograph_weights(), NULL));
    ck_assert_ok(xai_session_create(&p.session, p.model, NULL));
    ck_assert_ok(xai_image_load(&p.image, p.context, testing_data(picture), 0));
    ck_assert_ok(xai_model_prepare(&p.input, p.model, p.image));
    return p;
}

static inline void photograph_end(photograph *p)
{
    xai_tensor_unref(p->input);
    xai_image_unref(p->image);
    xai_session_unref(p->session);
    xai_model_unref(p->model);
    xai_context_unref(p->context);
}

/* One of the originals' maps; NULL where the data is absent. */
static inline xai_tensor *photograph_golden(xai_context *context, const char *name)
{
    char path[256];
    const char *full;
    xai_tensor *tensor = NULL;

    snprintf(path, sizeof path, "../golden/catdog/%s.npy", name);
    full = testing_data(path);
    if (full != NULL)
        ck_assert_ok(xai_tensor_load(&tensor, context, full));
    return tensor;
}

#endif
