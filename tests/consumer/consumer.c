/* SPDX-License-Identifier: MIT
 * A C program that knows libxai only as it is installed: it runs a network with random weights and watches a layer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xai/xai.h>

static void need(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "%s: %s\n", what, xai_last_error());
        exit(1);
    }
}

static int32_t watch(xai_hook *hook, xai_tensor *value, void *user)
{
    int64_t shape[4] = { 0 };

    need(strcmp(xai_hook_value(hook), "layer1") != 0, "a hook tells its canonical name, not the alias");
    need(xai_tensor_shape(value, shape, 4) == 4 && shape[0] == 2 && shape[1] == 16,
         "the hooked value is N x 16 x H x W");
    *(int *)user += 1;
    return 0;
}

static void forward(xai_context *context, xai_model *model)
{
    int64_t shape[4] = { 0 };
    int calls = 0;
    xai_session *session = NULL;
    xai_tensor *input = NULL, *logits = NULL;
    xai_hook *hook = NULL;

    need(xai_model_input_shape(model, shape, 4) == 4, "the input has four dimensions");
    shape[0] = 2;
    need(xai_tensor_create(&input, context, shape, 4) == XAI_OK, "input");
    need(xai_session_create(&session, model, NULL) == XAI_OK, "session");
    need(xai_hook_attach(&hook, session, "layer1", XAI_HOOK_OBSERVE, watch, &calls, NULL) == XAI_OK, "hook");
    need(xai_session_forward(&logits, session, input) == XAI_OK, "forward");
    need(calls == 1, "the hook fires once a forward pass");
    need(xai_tensor_size(logits) == 2 * xai_model_n_classes(model), "logits are N x classes");
    need(xai_tensor_check(logits) == XAI_OK, "logits are finite");
    xai_hook_unref(hook);
    xai_tensor_unref(logits);
    xai_tensor_unref(input);
    xai_session_unref(session);
}

int main(void)
{
    xai_context_options options = { .struct_size = sizeof options, .n_threads = 2 };
    xai_context *context = NULL;
    xai_tensor *tensor = NULL;
    xai_model *model = NULL;
    int64_t shape[] = { 2, -3 };

    need(xai_version() == XAI_VERSION_MAJOR * 10000 + XAI_VERSION_MINOR * 100 + XAI_VERSION_PATCH, "version");
    need(xai_context_create(&context, &options) == XAI_OK, "context");
    need(xai_tensor_create(&tensor, context, shape, 2) == XAI_E_INVALID && tensor == NULL, "a negative extent fails");
    need(strstr(xai_last_error(), "-3") != NULL, "the message holds the number");
    need(xai_model_build(&model, context, "no such network", NULL, NULL) == XAI_E_NOT_FOUND, "an unknown network");
    need(strstr(xai_last_error(), "no such network") != NULL, "the message names it");
    need(xai_model_build(&model, context, "cifar_resnet20", NULL, NULL) == XAI_OK, "model");
    forward(context, model);
    xai_model_unref(model);
    xai_context_unref(context);
    printf("C: libxai %s\n", xai_version_string());
    return 0;
}
