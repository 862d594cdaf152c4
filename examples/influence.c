/* SPDX-License-Identifier: MIT
 * influence: the training pictures that helped a prediction most and harmed it most, in as few calls as it takes. */
#include <stdio.h>
#include <stdlib.h>

#include <xai/xai.h>

static void print(const xai_training *set, const double *scores, const uint32_t *order, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        printf("%+.3e  class %lld  %s\n", scores[order[i]], (long long)xai_training_label(set, order[i]),
               xai_training_path(set, order[i]));
}

/* Every handle may be NULL, so there is one way out. */
static int run(char **argv)
{
    const xai_training_options options = { .struct_size = sizeof options, .list = argv[2], .cache = argv[3] };
    xai_context *context = NULL;
    xai_model *model = NULL;
    xai_session *session = NULL;
    xai_training *set = NULL;
    xai_influence *influence = NULL;
    xai_image *image = NULL;
    xai_tensor *input = NULL;
    double *scores = NULL;
    uint32_t *order = NULL;
    size_t n;
    int code = EXIT_FAILURE;

    if (xai_context_create(&context, NULL) < 0 || xai_model_load(&model, context, argv[1], NULL) < 0 ||
        xai_session_create(&session, model, NULL) < 0 || xai_training_open(&set, session, &options) < 0 ||
        xai_influence_create(&influence, &set, 1, NULL) < 0)
        goto done;
    n = xai_training_count(set);
    scores = calloc(n, sizeof *scores);
    order = calloc(n, sizeof *order);
    if (scores == NULL || order == NULL || xai_image_load(&image, context, argv[4], 0) < 0 ||
        xai_model_prepare(&input, model, image) < 0 || xai_influence_compute(scores, NULL, influence, input, NULL) < 0)
        goto done;
    xai_influence_rank(order, scores, n);
    print(set, scores, order, 0, n < 5 ? n : 5);
    puts("...");
    print(set, scores, order, n < 5 ? 0 : n - 5, n);
    code = EXIT_SUCCESS;
done:
    if (code != EXIT_SUCCESS)
        fprintf(stderr, "influence: %s\n",
                xai_last_error()); /* empty where calloc() failed, which is not the library's */
    free(scores);
    free(order);
    xai_tensor_unref(input);
    xai_image_unref(image);
    xai_influence_unref(influence);
    xai_training_unref(set);
    xai_session_unref(session);
    xai_model_unref(model);
    xai_context_unref(context);
    return code;
}

int main(int argc, char **argv)
{
    if (argc == 5)
        return run(argv);
    fputs("usage: influence MODEL.json LIST CACHE PICTURE\n", stderr);
    return 2;
}
